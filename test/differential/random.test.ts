/** A short random run; `npm run diff` makes long ones. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TEST_SEED } from '../support/seed.js';
import { type Server, startOnggi, startOracle } from '../support/server.js';
import { Draw } from './draw.js';
import { randomCommand } from './generator.js';
import { randomRun } from './random-run.js';
import { shrink } from './shrink.js';

const seed = TEST_SEED;

describe('random commands', () => {
  let servers: [Server, Server];
  beforeAll(async () => {
    servers = (await Promise.all([startOracle(), startOnggi()])) as [Server, Server];
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
  });

  it.each([
    ['', 40_000],
    [' --aof', 12_000],
  ])(
    'are answered as redis-server answers them%s',
    async (flag, commands) => {
      const { differences } = await randomRun(servers, { seed, commands, aof: flag !== '' });
      const report = differences.map(
        ({ text, script }) => `${text}\nnpm run diff -- --seed ${seed} --commands ${commands}${flag}\n${script}`,
      );
      expect(report.join('\n')).toBe('');
    },
    300_000,
  );
});

describe('the generator', () => {
  it('draws the same commands from the same seed', () => {
    const draw = (from: number): string => {
      const r = new Draw(from);
      return Array.from({ length: 500 }, () =>
        randomCommand(r)
          .args.map((arg) => arg.toString('hex'))
          .join(' '),
      ).join('\n');
    };
    expect(draw(1)).toBe(draw(1));
    expect(draw(1)).not.toBe(draw(2));
  });

  it('draws every command of its table', () => {
    const r = new Draw(7);
    const names = new Set(Array.from({ length: 50_000 }, () => randomCommand(r).args[0]!.toString()));
    expect(names.size).toBeGreaterThan(110);
  });
});

describe('shrink', () => {
  it('keeps the elements that are needed and nothing else', async () => {
    const list = Array.from({ length: 1000 }, (_, i) => i);
    const fails = async (part: number[]): Promise<boolean> =>
      part.includes(17) && part.includes(400) && part.includes(999);
    expect(await shrink(list, fails)).toEqual([17, 400, 999]);
  });
});
