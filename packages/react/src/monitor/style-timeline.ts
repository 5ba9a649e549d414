// How the time line looks.

export const TIMELINE_CSS = `
.onair-timeline { background: var(--onair-raised); border: 1px solid var(--onair-line); border-radius: 12px; padding: .8rem 1rem; margin-bottom: 1rem; display: grid; gap: .6rem; grid-template-columns: minmax(0, 1fr); }
.onair-strip { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: .6rem; }
.onair-strip ul { font-size: 10.5px; line-height: 14px; color: var(--onair-soft); text-align: end; } .onair-strip li { height: 14px; color: var(--row); }
.onair-strip canvas { display: block; width: 100%; cursor: crosshair; touch-action: pan-y; background: var(--onair-ground); border-radius: 6px; color: var(--onair-text); outline-color: var(--onair-accent); border: 0 solid var(--onair-line); caret-color: var(--onair-sunk); }
.onair-then { display: flex; flex-wrap: wrap; align-items: center; gap: .3rem .8rem; min-height: 2.2rem; }
.onair-monitor[data-past=true] .onair-timeline { border: 2px solid var(--onair-accent); }
.onair-monitor .onair-timeline input[type=range] { width: 100%; padding: 0; min-height: 1.4rem; accent-color: var(--onair-accent); border: 0; background: transparent; }
.onair-timeline input[type=number] { width: 7rem; } .onair-timeline label { display: inline-flex; gap: .4rem; align-items: center; }
.onair-commits { max-height: 12rem; border-top: 1px solid var(--onair-line); position: relative; }
.onair-monitor .onair-commits button { display: flex; flex-wrap: wrap; gap: .1rem .8rem; width: 100%; text-align: start; border: 0; border-left: 4px solid var(--row); border-radius: 0; background: transparent; min-height: 1.8rem; padding: .15rem .6rem; align-items: baseline; }
.onair-monitor .onair-commits [aria-current] { background: color-mix(in srgb, var(--onair-accent) 16%, transparent); outline: 1px solid var(--onair-accent); outline-offset: -1px; }
:is(.onair-commits, .onair-strip) [data-family=show] { --row: var(--onair-row-show); } :is(.onair-commits, .onair-strip) [data-family=services] { --row: var(--onair-row-services); } :is(.onair-commits, .onair-strip) [data-family=documents] { --row: var(--onair-row-documents); }
:is(.onair-commits, .onair-strip) [data-family=conflicts] { --row: var(--onair-row-conflicts); } :is(.onair-commits, .onair-strip) [data-family=system] { --row: var(--onair-row-system); }
.onair-compare { border-top: 1px solid var(--onair-line); } .onair-compare li { padding: .25rem 0; } .onair-compare dl > div { display: flex; flex-wrap: wrap; gap: .2rem .8rem; padding-left: 1rem; }
.onair-compare dt { color: var(--onair-soft); } .onair-compare del { color: var(--onair-bad); } .onair-compare ins { color: var(--onair-good); text-decoration: none; } .onair-compare ins::before { content: "+ "; } .onair-compare del::before { content: "− "; }
`
