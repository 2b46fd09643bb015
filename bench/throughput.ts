/** redis-benchmark's default tests, in turns on both servers, at several pipeline depths. */
import type { Server } from '../test/support/server.js';
import type { Options } from './options.js';
import { type Both, inTurns, withBoth } from './pair.js';
import { cpuMs, endedChildrenCpuMs } from './processes.js';
import { redisBenchmark } from './redis-benchmark.js';
import { type Comparison, median, paired, ratio, type Section, verdict } from './report.js';

/** redis-benchmark's `-t` names, in its own order; LRANGE needs the list that LPUSH has filled. */
const TESTS: readonly [name: string, ...args: string[]][] = [
  ['ping_inline'],
  ['ping_mbulk'],
  ['set'],
  ['get'],
  ['set 1M keys', '-t', 'set', '-r', '1000000'],
  ['get 1M keys', '-t', 'get', '-r', '1000000'],
  ['incr'],
  ['lpush'],
  ['rpush'],
  ['lpop'],
  ['rpop'],
  ['sadd'],
  ['hset'],
  ['spop'],
  ['zadd'],
  ['zpopmin'],
  ['lrange_100'],
  ['lrange_300'],
  ['lrange_500'],
  ['lrange_600'],
  ['mset'],
];

/** To reach, in the median of the tests. */
const LEAST = (pipeline: number): number => (pipeline === 1 ? 0.9 : 1.1);

/** What one run of redis-benchmark showed. */
interface Run {
  requestsPerSecond: number;
  /** Microseconds of the server's CPU time that a request cost. */
  cpuMicroseconds: number;
  /** Part of the time for which redis-benchmark, which has one thread, kept a core busy. */
  clientBusy: number;
}

export async function throughput(options: Options): Promise<Section[]> {
  const sections: Section[] = [];
  for (const pipeline of options.pipelines) {
    const { rates, costs, busy } = await withBoth({}, (servers) => atPipeline(servers, pipeline, options));
    const middle = median(rates.map(ratio));
    const percent = (side: keyof typeof busy): string => `${Math.round(median(busy[side]) * 100)}%`;
    sections.push(
      {
        title: `Throughput, pipeline ${pipeline}, 50 connections`,
        rows: rates,
        notes: [
          `median of the ratios: ${middle.toFixed(2)}  (${verdict(middle, { least: LEAST(pipeline) })})`,
          `redis-benchmark was busy for ${percent('ours')} of the time with ours, ${percent('redis')} with redis-server: near 100% it measures itself as well as the server`,
        ],
      },
      { title: `CPU time of the server, pipeline ${pipeline}`, rows: costs, notes: [] },
    );
  }
  return sections;
}

interface Measured {
  rates: Comparison[];
  costs: Comparison[];
  busy: Both<number[]>;
}

async function atPipeline(servers: Both<Server>, pipeline: number, options: Options): Promise<Measured> {
  const all: Measured = { rates: [], costs: [], busy: { ours: [], redis: [] } };
  for (const [name, ...own] of TESTS) {
    const args = [...(own.length > 0 ? own : ['-t', name]), '-P', String(pipeline)];
    const requests: Both<number> = {
      redis: await requestsFor(servers.redis, args, name, options),
      ours: await requestsFor(servers.ours, args, name, options),
    };
    const runs = await inTurns(options.rounds, (side) => run(servers[side], args, name, requests[side]));
    const of = (key: keyof Run): Both<number[]> => ({
      ours: runs.ours.map((one) => one[key]),
      redis: runs.redis.map((one) => one[key]),
    });
    all.rates.push(paired(name, 'req/s', of('requestsPerSecond')));
    all.costs.push(paired(name, 'us/req', of('cpuMicroseconds')));
    const busy = of('clientBusy');
    for (const side of ['ours', 'redis'] as const) all.busy[side].push(median(busy[side]));
    process.stdout.write('.');
  }
  process.stdout.write('\n');
  return all;
}

/** As many as take about the wanted time. */
async function requestsFor(server: Server, args: readonly string[], name: string, options: Options): Promise<number> {
  const pipeline = Number(args.at(-1));
  const few = name.startsWith('lrange') ? 2000 : pipeline === 1 ? 10_000 : 100_000;
  const { requestsPerSecond } = await run(server, args, name, few);
  return Math.max(few, Math.ceil((requestsPerSecond * options.seconds) / 1000) * 1000);
}

async function run(server: Server, args: readonly string[], name: string, requests: number): Promise<Run> {
  const before = { server: cpuMs(server.pid), client: endedChildrenCpuMs() };
  const results = await redisBenchmark(server.port, [...args, '-n', String(requests)]);
  // `-t lrange_100` also runs the LPUSH that it needs: ours is the last row. It is short.
  const result = results.at(-1);
  if (result === undefined) throw new Error(`redis-benchmark ran no test ${name}`);
  const { requestsPerSecond } = result;
  return {
    requestsPerSecond,
    cpuMicroseconds: ((cpuMs(server.pid) - before.server) * 1000) / requests,
    clientBusy: Math.min(1, ((endedChildrenCpuMs() - before.client) * requestsPerSecond) / (requests * 1000)),
  };
}
