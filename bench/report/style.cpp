// How the page looks: light and dark, wide and narrow, on paper.
#include "page.hpp"

namespace workit::bench_report {

std::string_view style() noexcept {
  return R"(
:root {
  color-scheme: light dark;
  --paper: #fdfcfa; --ink: #22262b; --quiet: #666c74; --hair: #e4e1db; --wash: #f5f3ee;
  --ours: #0b5fae; --floor: #22262b; --bad: #b3261e; --bad-wash: #fbeae7; --good: #2c6e49;
  --peer0: #b4540a; --peer1: #7a3e9d; --peer2: #2c7a5b; --peer3: #a03a5c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #16181b; --ink: #e6e4df; --quiet: #9aa0a8; --hair: #30343a; --wash: #1e2125;
    --ours: #6cb2f5; --floor: #e6e4df; --bad: #ff8a7a; --bad-wash: #38201d; --good: #7fcf9f;
    --peer0: #f0a050; --peer1: #c79be8; --peer2: #74cfa6; --peer3: #ee8fae;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 40px 32px 64px; max-width: 1184px; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: break-word;
}
h1 { font-size: 30px; line-height: 1.2; font-weight: 600; letter-spacing: -0.01em; margin: 0 0 8px; }
h2 { font-size: 20px; font-weight: 600; margin: 56px 0 4px; }
p { max-width: 74ch; margin: 6px 0 16px; }
.quiet { color: var(--quiet); }
.counts { display: flex; flex-wrap: wrap; gap: 8px 40px; margin: 28px 0 0; padding: 0; list-style: none; }
.counts b { display: block; font-size: 34px; font-weight: 600; line-height: 1.1; }
.bad { color: var(--bad); } .good { color: var(--good); }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { text-align: left; font-weight: 500; color: var(--quiet); font-size: 12.5px; }
td, th { padding: 6px 14px 6px 0; border-bottom: 1px solid var(--hair); vertical-align: baseline; }
.n { text-align: right; white-space: nowrap; }
tr.short td { background: var(--bad-wash); }
tr.short td:first-child { box-shadow: -10px 0 0 var(--bad-wash), inset 3px 0 0 var(--bad); padding-left: 12px; }
tr.short .verdict { color: var(--bad); font-weight: 600; }
.series { color: var(--quiet); font-size: 12px; display: block; }
.verdict { white-space: nowrap; }
.used { width: 150px; }
.used svg { width: 140px; height: 12px; display: block; overflow: visible; }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(330px, 1fr)); gap: 28px 32px; margin-top: 16px; }
figure { margin: 0 0 20px; min-width: 0; break-inside: avoid; }
figcaption { font-weight: 600; font-size: 14px; margin-bottom: 6px; }
svg { width: 100%; height: auto; display: block; font-family: inherit; }
.narrow { display: none; }
.grid { stroke: var(--hair); stroke-width: 1; }
.tick { fill: var(--quiet); font-size: 11px; }
.label { fill: var(--ink); font-size: 11.5px; }
.panels .label {
  font-size: 11px; paint-order: stroke; stroke: var(--paper); stroke-width: 3px; stroke-linejoin: round;
}
.strong { font-weight: 600; }
.curve { fill: none; stroke-width: 1.6; stroke: currentColor; stroke-linejoin: round; }
.curve.ours { stroke-width: 2.6; }
.ours { color: var(--ours); } .floor { color: var(--floor); }
.peer0 { color: var(--peer0); } .peer1 { color: var(--peer1); } .peer2 { color: var(--peer2); } .peer3 { color: var(--peer3); }
text.ours, text.floor, text.peer0, text.peer1, text.peer2, text.peer3, .dot { fill: currentColor; }
text.ours { font-weight: 600; }
.legend { font-size: 12.5px; margin-top: 4px; }
.legend td, .legend th { padding: 1px 0 1px 8px; border: 0; }
.legend td:nth-child(n+3), .legend th:nth-child(n+3) { text-align: right; width: 62px; white-space: nowrap; }
.legend .sample { width: 40px; padding-left: 0; } .legend svg { width: 34px; height: 10px; }
.bar { fill: var(--ours); } .whisker { stroke: var(--ours); stroke-width: 1.5; stroke-dasharray: 2 2; }
.drop { stroke: var(--quiet); stroke-width: 1; stroke-dasharray: 1 2; }
.request { stroke: var(--ink); stroke-width: 1.5; }
.floor-mark { fill: var(--paper); stroke: var(--floor); stroke-width: 1.5; }
.used-bar { fill: var(--ours); } .short .used-bar { fill: var(--bad); } .used-limit { stroke: var(--ink); stroke-width: 1.5; }
.used-track { fill: var(--hair); }
details { margin-top: 16px; } summary { cursor: pointer; font-weight: 600; }
.scroll { overflow-x: auto; margin-top: 12px; } .scroll td, .scroll th { white-space: nowrap; font-size: 13px; }
.reasons { max-width: 90ch; padding-left: 18px; }
@media (max-width: 760px) {
  body { padding: 24px 16px 48px; }
  h1 { font-size: 25px; }
  .wide { display: none; } .narrow { display: block; }
  .targets thead { display: none; }
  .targets tr { display: flex; flex-wrap: wrap; gap: 2px 16px; padding: 10px 0; border-bottom: 1px solid var(--hair); }
  .targets td { border: 0; padding: 0; text-align: left; }
  .targets td:first-child { flex: 1 0 100%; }
  .targets td[data-head]::before { content: attr(data-head) " "; color: var(--quiet); font-size: 12px; }
  .targets .used { display: none; }
  .targets tr.short { background: var(--bad-wash); padding-left: 12px; box-shadow: inset 3px 0 0 var(--bad); }
  .targets tr.short td:first-child { box-shadow: none; padding-left: 0; }
}
@media print {
  :root {
    color-scheme: light; --paper: #fff; --ink: #000; --quiet: #444; --hair: #ccc; --ours: #0b5fae; --floor: #000;
    --bad: #b3261e; --bad-wash: #fff; --good: #000;
    --peer0: #8a4008; --peer1: #5c2f77; --peer2: #1f5a43; --peer3: #7a2c46;
  }
  body { padding: 0; max-width: none; font-size: 10.5pt; }
  * { print-color-adjust: exact; }
  .panels { grid-template-columns: 1fr 1fr; }
  h2 { break-after: avoid; } tr { break-inside: avoid; }
}
)";
}

}  // namespace workit::bench_report
