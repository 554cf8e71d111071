/** Numbers as people read them, with their unit and sensible digits: 0.803, +0.041, 60,000, 170 MB, 3 min left. Pure. */

const minus = '−';

function signed(text: string): string {
  return text.replace('-', minus);
}

/** Always so many decimals, and no minus in front of a zero: −0.03, 0.00. */
export function formatFixed(value: number, digits: number): string {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace('-', '') : signed(text);
}

function scientific(text: string): string {
  return text.replace('e+', 'e').replaceAll('-', minus);
}

/** For scores and losses, about three figures and a fixed width where they are near one: 0.803, 12.4, 0.0025. */
export function formatValue(value: number): string {
  if (Number.isNaN(value)) return 'not a number';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : `${minus}∞`;
  const size = Math.abs(value);
  if (size === 0) return '0.000';
  if (size < 0.001) return scientific(value.toExponential(1));
  if (size < 0.01) return signed(value.toPrecision(2));
  return signed(value.toFixed(size < 10 ? 3 : size < 1000 ? 1 : 0));
}

/** With its sign, so that better and worse can be told: +0.041, −0.007, ±0.000. */
export function formatDifference(value: number): string {
  const size = formatSpread(Math.abs(value));
  if (Number(size) === 0) return `±${size}`;
  return `${value > 0 ? '+' : minus}${size}`;
}

/** A distance or a deviation beside scores, with as many decimals as they have: 0.041, 0.001, 12.4. 0 or more. */
export function formatSpread(value: number): string {
  return value.toFixed(value >= 10 ? 1 : 3);
}

/** Ticks of an axis: as many decimals as their distance has, so that none is rounded. */
export function formatTick(value: number, increment: number): string {
  if (Math.abs(value) >= 1e5 || increment < 1e-4) return formatPlain(value);
  const decimals = String(Number(increment.toPrecision(6))).split('.')[1]?.length ?? 0;
  return signed(value.toFixed(Math.min(decimals, 5)));
}

/** For settings and axes: as short as it can be said, six figures at most: 0.001, 64, 1e−8. */
export function formatPlain(value: number): string {
  const size = Math.abs(value);
  const short = Number(value.toPrecision(6));
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return scientific(short.toExponential());
  return signed(String(short));
}

/** A share as a percentage, with a decimal below 1 %: 13 %, 0.4 %, <0.1 %. */
export function formatShare(fraction: number): string {
  const percent = fraction * 100;
  if (percent > 0 && percent < 0.1) return '<0.1 %';
  return `${percent.toFixed(percent > 0 && percent < 1 ? 1 : 0)} %`;
}

const grouped = new Intl.NumberFormat('en');

/** 60000 → "60,000" */
export function formatCount(count: number): string {
  return grouped.format(Math.round(count));
}

/** (1, 'image') → "1 image"; (2, 'class', 'classes') → "2 classes" */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** 170498071 → "170 MB"; decimal units, as disks and downloads are sold. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1000 ** power;
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${units[power]}`;
}

/** A measured time: 850 ms, 12 s, 3 min 20 s, 1 h 05 min. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  const seconds = Math.round(durationMs / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** Coarser the longer it is, because an estimate is no better: "40 s left", "3 min left", "2.5 h left". */
export function formatTimeLeft(seconds: number): string {
  if (seconds < 10) return 'a few seconds left';
  if (seconds < 60) return `${Math.round(seconds / 10) * 10} s left`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min left`;
  return `${(seconds / 3600).toFixed(1)} h left`;
}

/** A moment in the past: "today, 12:04", "yesterday, 09:30", "14 Mar 2026". `now` for tests. */
export function formatMoment(iso: string, now: Date = new Date()): string {
  const moment = new Date(iso);
  const dayMs = 86_400_000;
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
  const daysAgo = Math.ceil((midnight - moment.getTime()) / dayMs);
  if (daysAgo <= 0) return `today, ${formatClock(moment)}`;
  if (daysAgo === 1) return `yesterday, ${formatClock(moment)}`;
  return moment.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
}

/** "12:04" */
export function formatClock(moment: Date): string {
  return moment.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
}
