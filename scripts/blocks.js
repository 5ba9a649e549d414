// The code of the pages is code: every block of `ts` and `tsx` in docs/clients and in the packages' READMEs is a module of
// its own and is typed against the packages' sources. A block that is on its own by the way of telling may use `client`.
// What is marked `js` or `jsx` (another library's, or how it was before) is not looked at. A complaint names page and line.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const OUT = join(ROOT, 'node_modules/.cache/onair-blocks')
const DOCS = join(ROOT, 'docs/clients')
/** Made of the packages' own declarations. */
const GENERATED = ['api.md']
const READMES = ['packages/client/README.md', 'packages/react/README.md']

const pages = [
  ...readdirSync(DOCS).filter((name) => name.endsWith('.md') && !GENERATED.includes(name)).map((name) => join(DOCS, name)),
  ...READMES.map((name) => join(ROOT, name)),
]

rmSync(OUT, { recursive: true, force: true })
mkdirSync(OUT, { recursive: true })

/** Blocks by the name of their file, which says where they stand. */
const places = new Map()
for (const page of pages) {
  const lines = readFileSync(page, 'utf8').split('\n')
  for (let at = 0; at < lines.length; at += 1) {
    const [, language] = /^```(tsx?)$/.exec(lines[at]) ?? []
    if (language === undefined) continue
    const end = lines.indexOf('```', at)
    if (end < 0) throw new Error(`${relative(ROOT, page)}:${at + 1}: a block without end`)
    const code = lines.slice(at + 1, end)
    const isModule = code.some((line) => /^(import|export) /.test(line))
    const name = `${relative(ROOT, page).replaceAll(/[^\w]+/g, '-')}-${at + 1}.${language}`
    // Each line stands where it stands in the page, so that a complaint names it.
    writeFileSync(join(OUT, name), `${'\n'.repeat(at + 1)}${code.join('\n')}\n${isModule ? '' : 'export {}\n'}`)
    places.set(name, relative(ROOT, page))
    at = end
  }
}

const source = (path) => [relative(OUT, join(ROOT, 'packages', path))]
writeFileSync(join(OUT, 'given.d.ts'), "declare const client: import('@onair/client').Client\n")
const config = {
  compilerOptions: {
    target: 'es2023', module: 'esnext', moduleResolution: 'bundler', lib: ['es2023', 'dom', 'dom.iterable'], jsx: 'react-jsx',
    strict: true, noEmit: true, skipLibCheck: true, types: ['node'],
    paths: {
      '@onair/client': source('client/src/index.ts'),
      '@onair/client/core': source('client/src/core.ts'),
      '@onair/client/notifications': source('client/src/notifications/index.ts'),
      '@onair/client/storage': source('client/src/storage/index.ts'),
      '@onair/react': source('react/src/index.ts'),
      '@onair/react/zustand': source('react/src/zustand.ts'),
      '@onair/react/query': source('react/src/query.ts'),
    },
  },
  include: ['*.ts', '*.tsx'],
}
writeFileSync(join(OUT, 'tsconfig.json'), JSON.stringify(config))

const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', OUT, '--pretty', 'false'], { encoding: 'utf8' })
const said = `${stdout}${stderr}`.replaceAll(/^.*?([^/\s(]+\.tsx?)\((\d+),(\d+)\)/gm, (all, file, line, column) => {
  const page = places.get(basename(file))
  return page === undefined ? all : `${page}:${line}:${column}`
})
if (said !== '') process.stdout.write(said)
if (status !== 0) process.exitCode = 1
else console.log(`blocks: ${places.size} of ${pages.length} pages are typed`)
