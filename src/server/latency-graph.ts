/**
 * LATENCY GRAPH: an event's samples as columns of characters, four lines high, with how long ago each was below.
 *
 *   #            each line has three levels, _ o #, and | where the column goes on above
 *   |
 *   |  _o
 *   |_||o
 *
 *   65431        written downwards
 *   sssss
 */
import type { LatencyEvent } from '../commands/services.js';

const COLUMNS = 80;
const ROWS = 4;
const LEVELS = ['_', 'o', '#'];

export function latencyGraph(event: LatencyEvent, nowSeconds: number): string {
  const values = event.samples.map(({ milliseconds }) => milliseconds);
  const high = Math.max(...values);
  const low = Math.min(...values);
  const labels = event.samples.map(({ seconds }) => ago(nowSeconds - seconds));
  let text = `${event.name} - high ${high} ms, low ${low} ms (all time high ${event.max} ms)\n${'-'.repeat(COLUMNS)}\n`;
  const levels = LEVELS.length * ROWS;
  const heights = values.map((value) => {
    const height = Math.trunc(((value - low) * levels) / (high === low ? 1 : high - low));
    return Math.min(height, levels - 1);
  });
  for (let first = 0; first < heights.length; first += COLUMNS) {
    if (first > 0) text += '\n';
    text += chart(heights.slice(first, first + COLUMNS), labels.slice(first, first + COLUMNS));
  }
  return text;
}

function chart(heights: readonly number[], labels: readonly string[]): string {
  let text = '';
  for (let row = ROWS - 1; row >= 0; row--) {
    for (const height of heights) {
      const level = height - row * LEVELS.length;
      text += level < 0 ? ' ' : (LEVELS[level] ?? '|');
    }
    text += '\n';
  }
  text += `${' '.repeat(heights.length)}\n`;
  const longest = Math.max(...labels.map((label) => label.length));
  for (let i = 0; i < longest; i++) text += `${labels.map((label) => label[i] ?? ' ').join('')}\n`;
  return text;
}

function ago(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86400)}d`;
}
