/**
 * `npm run bench`: ours beside redis-server on this machine, in one run. Prints tables with the ratios and what they are
 * to reach, and writes everything to bench/results/ as JSON. `--help` lists the options.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { onggiCommand, oracleCommand, projectFolder } from '../test/support/server.js';
import { aof } from './aof.js';
import { bgsave } from './bgsave.js';
import { load } from './load.js';
import { memory } from './memory.js';
import { memoryLatencyNs } from './memory-latency.js';
import { benchOptions, type Options, type Part } from './options.js';
import { ratio, type Section, table } from './report.js';
import { stalls } from './stalls.js';
import { throughput } from './throughput.js';

const RUN: Record<Part, (options: Options) => Promise<Section[]>> = { throughput, memory, bgsave, load, aof, stalls };

function machine(): Record<string, string | number> {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    memoryReadNs: Math.round(memoryLatencyNs()),
    node: process.version,
    redis: execFileSync(oracleCommand(), ['--version'], { encoding: 'utf8' }).trim(),
    ours: execFileSync(onggiCommand(), ['--version'], { encoding: 'utf8' }).trim(),
  };
}

async function main(): Promise<void> {
  const options = benchOptions();
  const about = machine();
  console.log(
    Object.entries(about)
      .map(([name, value]) => `${name}: ${value}`)
      .join('\n'),
  );
  const started = new Date();
  const sections: Section[] = [];
  for (const part of options.parts) {
    console.log(`\n== ${part}`);
    for (const section of await RUN[part](options)) {
      sections.push(section);
      console.log(table(section));
    }
  }
  const folder = join(projectFolder, 'bench', 'results');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${started.toISOString().replace(/[:.]/g, '-')}.json`);
  const rows = sections.map((section) => ({
    ...section,
    rows: section.rows.map((row) => ({ ...row, ratio: ratio(row) })),
  }));
  writeFileSync(file, `${JSON.stringify({ started, machine: about, options, sections: rows }, null, 2)}\n`);
  console.log(`\nwritten: ${file}`);
}

await main();
