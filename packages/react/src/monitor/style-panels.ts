// How the panels look.

export const PANELS_CSS = `
.onair-panel { background: var(--onair-raised); border: 1px solid var(--onair-line); border-radius: 12px; padding: .8rem 1rem 1rem; min-width: 0; }
.onair-panel > header { display: flex; justify-content: space-between; gap: 1rem; margin-bottom: .5rem; }
.onair-rows > li { display: flex; flex-wrap: wrap; align-items: center; gap: .3rem .8rem; padding: .45rem 0; border-top: 1px solid var(--onair-line); }
.onair-rows > li:first-child { border-top: 0; }
.onair-health { color: var(--tone); font-size: .85rem; white-space: nowrap; }
.onair-table td:is(:first-child, :last-child) { white-space: nowrap; } .onair-table { font-size: .93em; overflow-wrap: break-word; }
.onair-diagram { display: block; width: 100%; max-width: 34rem; margin: 0 auto; height: auto; }
.onair-edge { fill: none; stroke: var(--onair-line); stroke-width: 1.3; }
.onair-edge[data-kind=may] { stroke: var(--onair-accent); stroke-width: 2; stroke-dasharray: 5 4; }
.onair-edge[data-kind=last] { stroke: var(--onair-text); stroke-width: 2.6; }
.onair-arrow-far { fill: var(--onair-line); } .onair-arrow-may { fill: var(--onair-accent); } .onair-arrow-last { fill: var(--onair-text); }
.onair-pulse { display: none; fill: none; stroke: var(--onair-air); stroke-width: 4; stroke-linecap: round; stroke-dasharray: 14 400; }
.onair-node rect { fill: var(--onair-raised); stroke: var(--onair-line); stroke-width: 1.5; }
.onair-node text { fill: var(--onair-soft); font-size: 13.5px; font-weight: 550; }
.onair-node[data-may=true] rect { stroke: var(--onair-accent); } .onair-node[data-may=true] text { fill: var(--onair-text); }
.onair-node[data-here=true] rect { fill: color-mix(in srgb, var(--tone) 18%, var(--onair-raised)); stroke: var(--tone); stroke-width: 3; }
.onair-node[data-here=true] text { fill: var(--onair-text); font-weight: 750; }
.onair-node[data-here=true][data-tone=air] rect { fill: var(--onair-air); } .onair-node[data-here=true][data-tone=air] text { fill: var(--onair-on-air); }
.onair-actions { display: grid; gap: .7rem; }
.onair-action { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: .15rem .6rem; align-items: center; }
.onair-action > button { justify-self: stretch; }
.onair-action > p { grid-column: 1 / -1; font-size: .88rem; overflow-wrap: anywhere; }
.onair-copy { display: inline-flex; gap: .25rem; }
.onair-missing b { display: inline-block; margin-left: .35rem; padding: 0 .45rem; border-radius: 5px; color: var(--onair-warn); border: 1px solid currentColor; font-weight: 550; font-size: .82rem; }
.onair-danger { border-top: 1px solid var(--onair-line); padding-top: .9rem; margin-top: .2rem; }
.onair-danger > button:not([aria-disabled=true]) { border-color: var(--onair-bad); color: var(--onair-bad); font-weight: 650; }
.onair-dialog { width: min(36rem, calc(100vw - 2rem)); border: 1px solid var(--onair-edge); border-radius: 14px; background: var(--onair-raised); color: var(--onair-text); padding: 1.2rem; }
.onair-dialog::backdrop { background: #000a; }
.onair-dialog[data-grave=true] { border: 2px solid var(--onair-bad); }
.onair-monitor .onair-dialog h3 { font-size: 1.1rem; letter-spacing: 0; text-transform: none; color: var(--onair-text); margin-bottom: .6rem; }
.onair-dialog form { display: grid; gap: .6rem; margin-top: .8rem; } .onair-dialog label { display: grid; grid-template-columns: 5rem 1fr; align-items: center; gap: .6rem; }
.onair-monitor .onair-stop, .onair-monitor .onair-stop:hover:not(:disabled) { background: light-dark(#ad1420, #ff6b63); color: light-dark(#fff, #1c0302); border-color: transparent; font-weight: 700; }
.onair-dialog > .onair-buttons { margin-top: 1rem; }
.onair-plan li { display: grid; grid-template-columns: 1.3fr 1fr 1.4fr; gap: .6rem; padding: .35rem 0; border-top: 1px solid var(--onair-line); overflow-wrap: anywhere; }
.onair-plan li[data-skipped=true] { color: var(--onair-soft); } .onair-plan li[data-skipped=true] b { font-weight: 400; }
.onair-steps li { display: flex; flex-wrap: wrap; gap: .3rem .7rem; align-items: center; padding: .35rem 0; border-top: 1px solid var(--onair-line); }
.onair-steps .onair-badge { min-width: 6rem; justify-content: center; }
.onair-sequence > p { display: flex; flex-wrap: wrap; gap: .3rem .6rem; align-items: center; margin-bottom: .4rem; }
.onair-left { display: inline-flex; align-items: center; gap: .4rem; font-variant-numeric: tabular-nums; white-space: nowrap; } .onair-left meter { width: 5rem; }
.onair-more { margin-top: .5rem; border-top: 1px solid var(--onair-line); }
.onair-alerts:empty { display: none; } .onair-alerts { display: grid; gap: .5rem; margin-bottom: 1rem; }
.onair-alert { display: flex; flex-wrap: wrap; align-items: center; gap: .2rem 1rem; justify-content: space-between; border: 1px solid var(--tone); border-left-width: 6px; border-radius: 10px; padding: .55rem .9rem; background: color-mix(in srgb, var(--tone) 9%, var(--onair-raised)); overflow-wrap: anywhere; }
.onair-alert i { font-style: normal; color: var(--tone); margin-right: .5rem; } .onair-alert .onair-ghost { color: var(--onair-text); border-color: currentColor; }
.onair-apart { margin-bottom: 1rem; }
.onair-switch[role=switch] { display: inline-flex; align-items: center; gap: .4rem; width: 4.6rem; min-height: 1.9rem; padding: 2px 8px 2px 3px; border-radius: 99px; }
.onair-switch i { width: 1.3rem; height: 1.3rem; border-radius: 50%; background: var(--onair-soft); order: 0; } .onair-switch[aria-checked=true] { border-color: var(--onair-good); color: var(--onair-good); padding: 2px 3px 2px 8px; justify-content: space-between; }
.onair-switch[aria-checked=true] i { background: var(--onair-good); order: 1; }
.onair-panel form { display: flex; gap: .5rem; margin-top: .6rem; } .onair-panel form input { flex: 1; }
.onair-chat p { padding: .15rem 0; } .onair-chat b { color: var(--onair-accent); font-weight: 600; }
.onair-charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .8rem; }
.onair-chart figcaption { display: flex; justify-content: space-between; gap: .5rem; font-size: .85rem; color: var(--onair-soft); } .onair-chart figcaption b { color: var(--onair-text); font-variant-numeric: tabular-nums; white-space: nowrap; }
.onair-chart svg { display: block; width: 100%; height: 36px; background: var(--onair-sunk); border-radius: 6px; } .onair-chart polyline { fill: none; stroke: var(--onair-accent); stroke-width: 1.6; vector-effect: non-scaling-stroke; }
.onair-charts + p { margin-top: .5rem !important; font-size: .85rem; }
.onair-picture { display: block; width: 100%; border-radius: 8px; background: #000; }
.onair-sides { display: grid; gap: .8rem; margin: .6rem 0; grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr)); }
.onair-sides > div { background: var(--onair-sunk); border-radius: 8px; padding: .5rem .7rem; min-width: 0; } .onair-sides pre { max-height: 16rem; overflow: auto; }
.onair-sides mark { display: block; background: color-mix(in srgb, var(--onair-warn) 20%, transparent); color: inherit; box-shadow: inset 3px 0 var(--onair-warn); padding-left: .6rem; margin-left: -.6rem; } .onair-sides mark i { font-style: normal; }
.onair-conflict { padding-bottom: 1rem; margin-bottom: 1rem; border-bottom: 1px solid var(--onair-line); } .onair-conflict .onair-copy { margin-right: .8rem; }
.onair-edit { display: grid; gap: .4rem; } .onair-raw { margin-top: .8rem !important; }
.onair-raw > li { border-top: 1px solid var(--onair-line); } .onair-raw summary { overflow-wrap: anywhere; }
.onair-raw mark { background: var(--onair-warn); color: var(--onair-raised); }
.onair-code { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: .5rem; align-items: start; background: var(--onair-sunk); border-radius: 8px; padding: .5rem .7rem; margin-bottom: .5rem; } .onair-code pre { max-height: 24rem; overflow: auto; }
.onair-panel label.onair-grow { display: flex; align-items: center; gap: .6rem; } .onair-panel label.onair-grow input { flex: 1; }
.onair-signin { max-width: 26rem; margin: 12vh auto 0; display: grid; gap: .8rem; } .onair-signin label { display: grid; gap: .3rem; }
`
