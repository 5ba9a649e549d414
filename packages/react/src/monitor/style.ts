// How the monitor looks: dark and light by the system or as it is told, as wide as its place is, still where somebody
// wants it still. The sheet is adopted by script, so a strict content policy needs no exception for it.

import { useInsertionEffect } from 'react'

import { PANELS_CSS } from './style-panels.js'
import { TIMELINE_CSS } from './style-timeline.js'

const BASE_CSS = `
.onair-monitor, .onair-dock {
  color-scheme: light dark;
  --onair-ground: light-dark(#f3f4f8, #0e1014); --onair-raised: light-dark(#ffffff, #171a21); --onair-sunk: light-dark(#e8ebf1, #10131a);
  --onair-line: light-dark(#d3d8e2, #2b313d); --onair-edge: light-dark(#7c869a, #667085); --onair-text: light-dark(#161a22, #e9ebf1); --onair-soft: light-dark(#515a6c, #a0a9ba);
  --onair-good: light-dark(#0a6340, #4ad295); --onair-busy: light-dark(#1d4fb8, #86b4ff); --onair-warn: light-dark(#7a4700, #f6bd55);
  --onair-bad: light-dark(#ad1420, #ff9690); --onair-air: light-dark(#c3101d, #ff5a52); --onair-on-air: light-dark(#ffffff, #1c0302);
  --onair-accent: light-dark(#1d4fb8, #86b4ff); --onair-quiet: var(--onair-soft);
  --onair-row-show: light-dark(#c3101d, #ff6b63); --onair-row-services: light-dark(#0a6340, #4ad295); --onair-row-documents: light-dark(#1d4fb8, #86b4ff);
  --onair-row-conflicts: light-dark(#7a4700, #f6bd55); --onair-row-system: light-dark(#515a6c, #a0a9ba);
  font: 14px/1.45 system-ui, sans-serif; color: var(--onair-text); text-align: start;
}
:is(.onair-monitor, .onair-dock)[data-theme=dark] { color-scheme: dark; }
:is(.onair-monitor, .onair-dock)[data-theme=light] { color-scheme: light; }
.onair-monitor { background: var(--onair-ground); container: onair / inline-size; min-height: 100%; box-sizing: border-box; padding: 0 1rem 1rem; }
.onair-monitor *, .onair-dock * { box-sizing: border-box; }
.onair-monitor :is(h1, h2, h3, h4, p, ul, ol, dl, dd, figure, pre) { margin: 0; padding: 0; list-style: none; }
.onair-monitor :is(h1, h2) { font-size: 1.15rem; font-weight: 650; }
.onair-monitor h3 { font-size: .74rem; letter-spacing: .08em; text-transform: uppercase; color: var(--onair-soft); font-weight: 650; }
.onair-monitor h4 { font-size: .9rem; font-weight: 650; margin: .3rem 0; }
.onair-monitor :is(button, input, select, textarea), .onair-toggle { font: inherit; color: inherit; border: 1px solid var(--onair-edge); border-radius: 8px; background: var(--onair-raised); padding: .3rem .75rem; min-height: 2.2rem; }
.onair-monitor :is(button, select, summary), .onair-toggle { cursor: pointer; }
.onair-monitor button:hover:not([aria-disabled=true], :disabled, [aria-selected=true], [aria-pressed=true]) { background: var(--onair-sunk); }
.onair-monitor :is(button[aria-disabled=true], button:disabled) { color: var(--onair-soft); border-color: var(--onair-line); border-style: dashed; background: transparent; cursor: not-allowed; }
.onair-monitor button[aria-busy=true] { cursor: progress; }
.onair-monitor [data-main=true]:not([aria-disabled=true], :disabled) { background: var(--onair-good); border-color: transparent; color: light-dark(#fff, #04170e); font-weight: 650; }
.onair-monitor [data-main=true]:hover:not([aria-disabled=true], :disabled) { background: color-mix(in srgb, var(--onair-good) 85%, var(--onair-text)); }
.onair-monitor :is(input, textarea, select) { background: var(--onair-ground); min-width: 0; }
.onair-monitor ::placeholder { color: var(--onair-soft); opacity: 1; }
.onair-monitor textarea { width: 100%; font-family: ui-monospace, monospace; }
.onair-monitor a { color: var(--onair-accent); }
.onair-monitor :focus-visible, .onair-toggle:focus-visible { outline: 2px solid var(--onair-accent); outline-offset: 2px; }
.onair-monitor .onair-ghost { min-height: 1.6rem; padding: .02rem .45rem; font-size: .82rem; border-color: var(--onair-line); background: transparent; color: var(--onair-soft); white-space: nowrap; }
.onair-monitor kbd { font: .75rem ui-monospace, monospace; border: 1px solid currentColor; border-radius: 4px; padding: 0 .3rem; margin-left: .35rem; }
.onair-monitor code { font-family: ui-monospace, monospace; font-size: .92em; overflow-wrap: anywhere; }
.onair-monitor pre { font: .85rem/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
.onair-monitor table { width: 100%; border-collapse: collapse; }
.onair-monitor th { text-align: start; font-weight: 500; color: var(--onair-soft); font-size: .82rem; }
.onair-monitor :is(th, td) { padding: .25rem .5rem .25rem 0; border-bottom: 1px solid var(--onair-line); vertical-align: top; }
.onair-monitor details > summary { padding: .25rem 0; }
.onair-monitor [aria-busy=true]:not(button) { opacity: .7; }
.onair-soft { color: var(--onair-soft); } .onair-bad { color: var(--onair-bad); } .onair-warn { color: var(--onair-warn); }
.onair-line { display: block; } .onair-grow { flex: 1 1 8rem; min-width: 0; overflow-wrap: anywhere; } .onair-number { font-variant-numeric: tabular-nums; }
.onair-away { position: absolute !important; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.onair-tone { color: var(--tone); }
[data-tone=quiet] { --tone: var(--onair-soft); } [data-tone=busy] { --tone: var(--onair-busy); } [data-tone=good] { --tone: var(--onair-good); }
[data-tone=warn] { --tone: var(--onair-warn); } [data-tone=bad] { --tone: var(--onair-bad); } [data-tone=air] { --tone: var(--onair-air); }
.onair-badge { display: inline-flex; align-items: center; gap: .35rem; padding: .05rem .6rem; border-radius: 99px; color: var(--tone); background: color-mix(in srgb, var(--tone) 11%, var(--onair-raised)); border: 1px solid color-mix(in srgb, var(--tone) 45%, transparent); font-size: .84rem; font-weight: 600; white-space: nowrap; }
.onair-badge[data-tone=air] { background: var(--onair-air); color: var(--onair-on-air); }
.onair-badge i { font-style: normal; font-size: .8em; }
.onair-buttons { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }
.onair-scroll { max-height: 17rem; overflow: auto; overflow-wrap: anywhere; }

.onair-top { position: sticky; top: 0; z-index: 2; display: flex; flex-wrap: wrap; align-items: center; gap: .5rem .9rem; padding: .7rem 1rem; margin: 0 -1rem 1rem; background: var(--onair-ground); border-bottom: 1px solid var(--onair-line); }
.onair-top .onair-phase .onair-badge { font-size: 1rem; padding: .15rem .9rem; letter-spacing: .03em; }
.onair-connection { display: inline-flex; flex-wrap: wrap; gap: .4rem; align-items: center; }
.onair-tabs { display: inline-flex; }
.onair-monitor .onair-tabs button { border-radius: 0; margin-left: -1px; }
.onair-monitor .onair-tabs button:first-child { border-radius: 8px 0 0 8px; } .onair-monitor .onair-tabs button:last-child { border-radius: 0 8px 8px 0; }
.onair-monitor :is(.onair-tabs [aria-selected=true], .onair-record[aria-pressed=true]) { background: var(--onair-text); color: var(--onair-ground); border-color: var(--onair-text); }
.onair-monitor .onair-tabs [aria-selected=true] { text-decoration: underline; text-underline-offset: .2em; }
.onair-columns, .onair-small { display: grid; gap: 1rem; align-items: start; }
.onair-columns > div { display: grid; gap: 1rem; min-width: 0; }
@container onair (min-width: 44rem) { .onair-columns { grid-template-columns: 1fr 1fr; } .onair-columns > :last-child { grid-column: 1 / -1; grid-template-columns: 1fr 1fr; align-items: start; } }
@container onair (min-width: 74rem) { .onair-columns { grid-template-columns: 1fr 1.1fr 1fr; } .onair-columns > :last-child { grid-column: auto; grid-template-columns: 1fr; } }
@container onair (max-width: 44rem) { .onair-top { position: static; } .onair-top > .onair-grow { display: none; } .onair-monitor :is(button, input, select) { min-height: 2.6rem; } .onair-monitor .onair-ghost { min-height: 2rem; padding-inline: .6rem; } }
.onair-monitor[data-past=true] .onair-panel { border-style: dashed; }

.onair-dock { display: block; }
.onair-dock:not([data-position=inline]) { position: fixed; z-index: 900; display: flex; flex-direction: column; gap: .4rem; align-items: end; max-width: calc(100vw - 1.5rem); }
.onair-dock[data-position^=bottom] { bottom: .75rem; flex-direction: column-reverse; } .onair-dock[data-position^=top] { top: .75rem; }
.onair-dock[data-position$=right] { right: .75rem; } .onair-dock[data-position$=left] { left: .75rem; align-items: start; }
.onair-toggle { display: inline-flex; align-items: center; gap: .5rem; background: var(--onair-raised); color: var(--onair-text); border-radius: 99px; padding: .25rem .9rem .25rem .35rem; }
.onair-dock:not([data-position=inline]) .onair-toggle { box-shadow: 0 3px 14px #0005; }
.onair-dock-panel { border: 1px solid var(--onair-line); border-radius: 12px; overflow: auto; }
.onair-dock-panel[hidden] { display: none; }
.onair-dock[data-position=inline] .onair-toggle { margin-bottom: .4rem; }
.onair-dock:not([data-position=inline]) .onair-dock-panel { width: 26rem; max-width: 100%; max-height: min(44rem, calc(100dvh - 5rem)); box-shadow: 0 10px 40px #0006; }
.onair-dock[data-compact=false]:not([data-position=inline]) .onair-dock-panel { width: min(80rem, calc(100vw - 1.5rem)); }
@media (prefers-reduced-motion: no-preference) { .onair-switch i { transition: transform .12s; } .onair-monitor .onair-pulse { display: inline; animation: onair-pulse 1.2s ease-out 3; } }
@keyframes onair-pulse { from { stroke-dashoffset: 0; } to { stroke-dashoffset: -300; } }
`

/** All of it, for who brings styles into a page another way. */
export const MONITOR_CSS = BASE_CSS + PANELS_CSS + TIMELINE_CSS

let sheet: CSSStyleSheet | undefined

/** Brings the styles into this page, once. */
export function useStyle(): void {
  useInsertionEffect(() => {
    if (sheet || typeof CSSStyleSheet !== 'function') return
    sheet = new CSSStyleSheet()
    sheet.replaceSync(MONITOR_CSS)
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet]
  }, [])
}
