// docs/clients/api.md, made of the comments in the packages: each entry, and of each the declarations as the compiler
// writes them, with their comments and without what is private. Run by itself it says whether the page is as the sources
// are, and whether all that is public has a comment; `--write` writes the page.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const OUT = join(ROOT, 'node_modules/.cache/onair-api')
const PAGE = join(ROOT, 'docs/clients/api.md')
const ENTRIES = [
  ['@onair/client', 'client/src/index', 'The client: one production kept in step, edited and watched.'],
  ['@onair/client/notifications', 'client/src/notifications/index', 'Turns, actions, status: [notifications](notifications.md).'],
  ['@onair/client/storage', 'client/src/storage/index', 'Where a queue is kept: [offline](offline.md#where-the-queue-is-kept).'],
  ['@onair/client/testing', 'client/src/testing', 'For tests: that no finding stands.'],
  ['@onair/client/core', 'client/src/core', 'The session as a function, for programs that bring their own transport and storage.'],
  ['@onair/react', 'react/src/index', 'Hooks over the client: [react](react.md).'],
  ['@onair/react/zustand', 'react/src/zustand', 'A store that Zustand reads.'],
  ['@onair/react/query', 'react/src/query', 'TanStack Query beside the client.'],
]

/** The declarations, as the compiler writes them. */
function declare() {
  rmSync(OUT, { recursive: true, force: true })
  mkdirSync(OUT, { recursive: true })
  const packages = relative(OUT, join(ROOT, 'packages'))
  const config = {
    extends: `${packages}/react/tsconfig.json`,
    compilerOptions: {
      rootDir: packages, outDir: '.', noEmit: false, declaration: true, emitDeclarationOnly: true, types: ['node', 'react', 'react-dom'],
    },
    include: [`${packages}/client/src`, `${packages}/react/src`],
  }
  writeFileSync(join(OUT, 'tsconfig.json'), JSON.stringify(config))
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', OUT, '--pretty', 'false'], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`the packages do not compile\n${stdout}${stderr}`)
}

const MODULES = new Map()

/** What a module declares and hands on. The compiler begins each statement at the start of a line. */
function module(path) {
  const known = MODULES.get(path)
  if (known) return known
  const made = { declared: new Map(), handedOn: [] }
  MODULES.set(path, made)
  const lines = readFileSync(join(OUT, `${path}.d.ts`), 'utf8').split('\n')
  let comment = ''
  for (let at = 0; at < lines.length; at += 1) {
    if (lines[at].startsWith('/**')) {
      const end = lines.findIndex((line, index) => index >= at && line.endsWith('*/'))
      comment = lines.slice(at, end + 1).join('\n')
      at = end
    } else if (/^\w/.test(lines[at])) {
      const end = endOf(lines, at)
      take(made, path, lines.slice(at, end + 1).join('\n'), comment)
      comment = ''
      at = end
    }
  }
  return made
}

/** The last line of the statement that begins there: where all that it opened is closed. */
function endOf(lines, begin) {
  const ends = /^(export )?(declare )?(abstract )?(class|interface) /.test(lines[begin]) ? '}' : ';'
  let depth = 0
  for (let at = begin; at < lines.length; at += 1) {
    const code = lines[at].replaceAll(/\/\*.*?\*\/|^\s*\/?\*.*|\/\/.*/g, '')
    for (const sign of code) depth += '({['.includes(sign) ? 1 : ')}]'.includes(sign) ? -1 : 0
    if (depth === 0 && code.endsWith(ends)) return at
  }
  throw new Error(`a statement without end: ${lines[begin]}`)
}

function take(made, path, text, comment) {
  const [, all] = /^export (?:type )?\* from '(.*)\.js'/.exec(text.replaceAll('"', "'")) ?? []
  const [, names, from] = /^export (?:type )?\{([^]*)\} from '(.*)\.js'/.exec(text.replaceAll('"', "'")) ?? []
  if (all !== undefined) made.handedOn.push({ from: join(dirname(path), all) })
  else if (names !== undefined) {
    const own = names.split(',').map((name) => name.trim().replace(/^type /, '')).filter((name) => name !== '')
    made.handedOn.push({ from: join(dirname(path), from), names: own })
  } else {
    const [, name] = /^(?:export )?(?:declare )?(?:abstract )?(?:class|interface|type|const|let|function) (\w+)/.exec(text) ?? []
    if (name !== undefined && text.startsWith('export ')) {
      const { texts, comment: first } = made.declared.get(name) ?? { texts: [], comment: '' }
      made.declared.set(name, { texts: [...texts, shown(text)], comment: first || comment })
    }
  }
}

/** The declaration as its user sees it. */
function shown(text) {
  const open = text.replace(/^export (declare )?/, '').split('\n')
  const kept = []
  for (const line of open) {
    // A private member has no comment that says anything to its user.
    if (/^ {4}(private|protected|#private)/.test(line)) {
      while (/^ {4}(\/\*\*| \*)/.test(kept.at(-1) ?? '')) kept.pop()
    } else kept.push(line)
  }
  return kept.map((line) => line.replace(/^( {4})+/, (indent) => ' '.repeat(indent.length / 2))).join('\n')
}

/** What a module exports, in the order in which it says so. */
function exported(path) {
  const { declared, handedOn } = module(path)
  const all = new Map()
  for (const { from, names } of handedOn) {
    const found = exported(from)
    for (const name of names ?? found.keys()) {
      const one = found.get(name)
      if (!one) throw new Error(`${path} exports ${name}, which ${from} does not have`)
      all.set(name, one)
    }
  }
  for (const [name, one] of declared) all.set(name, one)
  return all
}

function prose(comment) {
  const text = comment.replace(/^\/\*\*\s*/, '').replace(/\s*\*\/$/, '').split('\n').map((line) => line.replace(/^\s*\*\s?/, ''))
  return text.join(' ').replaceAll(/ \(rows? [^)]*\)/g, '').replaceAll(/\{@link (\w+)\}/g, '`$1`').trim()
}

declare()
const missing = []
const told = new Map()
const page = [
  '<!-- Made by `npm run docs` of the comments in packages/client and packages/react. -->',
  '',
  '# API',
  '',
  'What the packages export, as the compiler declares it, with the comments of the sources. The other pages of this folder',
  'say what it is for.',
  '',
  '| import | what |',
  '|---|---|',
  ...ENTRIES.map(([name, , what]) => `| [\`${name}\`](#${name.toLowerCase().replaceAll(/[^\w-]/g, '')}) | ${what} |`),
  '',
]
for (const [entry, path, what] of ENTRIES) {
  page.push(`## ${entry}`, '', what, '')
  const also = []
  for (const [name, { texts, comment }] of exported(path)) {
    const text = texts.join('\n')
    if (told.get(name) === text) {
      also.push(`\`${name}\``)
      continue
    }
    told.set(name, text)
    if (comment === '') missing.push(`${entry}: ${name}`)
    page.push(`### ${name}`, '', prose(comment), '', '```ts', text, '```', '')
  }
  if (also.length > 0) page.push(`As above: ${also.join(', ')}.`, '')
}

const text = `${page.join('\n').trimEnd()}\n`
if (missing.length > 0) {
  console.error(`public and without a comment:\n  ${missing.join('\n  ')}`)
  process.exitCode = 1
}
if (process.argv.includes('--write')) writeFileSync(PAGE, text)
else {
  let before = ''
  try {
    before = readFileSync(PAGE, 'utf8')
  } catch {
    // It was never written.
  }
  if (before === text) console.log(`api: ${told.size} exports, as docs/clients/api.md says`)
  else {
    console.error('docs/clients/api.md is not as the sources are: npm run docs')
    process.exitCode = 1
  }
}
