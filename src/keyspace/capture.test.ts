import { describe, expect, it } from 'vitest';
import { contents, describeEntry, keyText, mutate, rng } from '../../test/support/random-keyspace.js';
import { same } from '../../test/support/same.js';
import { Arena } from '../memory/arena.js';
import { Capture, type CaptureQueue } from './capture.js';
import { Keyspace } from './keyspace.js';
import { expectNoLeak } from './testing/audit.js';

/** A worker that lags: it reads entries only when told, from views of its own, and remembers what it saw. */
class LaggingWorker implements CaptureQueue {
  readonly seen = new Map<string, string>();
  private readonly queue: [number, number][] = [];
  private taken = 0;
  private readonly arena: Arena;
  private readonly keyspace: Keyspace;

  constructor(keyspace: Keyspace) {
    this.arena = Arena.attach(keyspace.arena.buffers());
    this.keyspace = keyspace;
  }
  handed(): number {
    return this.queue.length;
  }
  acked(): number {
    return this.taken;
  }
  room(): number {
    return 600 - (this.queue.length - this.taken);
  }
  push(db: number, entry: number): void {
    this.queue.push([db, entry]);
  }
  publish(): void {}
  work(entries: number): void {
    for (let i = 0; i < entries && this.taken < this.queue.length; i++) {
      const [db, entry] = this.queue[this.taken]!;
      const name = `${db}/${keyText(this.arena, entry)}`;
      expect(this.seen.has(name), `${name} is handed over once`).toBe(false);
      this.seen.set(name, describeEntry(this.arena, entry, this.keyspace));
      this.taken++;
    }
  }
}

describe('Capture', () => {
  for (let seed = 1; seed <= 6; seed++) {
    it(`what is captured equals the content at the start, whatever changes meanwhile, and nothing leaks (seed ${seed})`, () => {
      const random = rng(seed);
      const keyspace = new Keyspace({ expired() {} }, 3);
      keyspace.setNow(1e11);
      for (let i = 0; i < 6000; i++) mutate(keyspace, random);
      for (let round = 0; round < 3; round++) {
        const before = contents(keyspace);
        const worker = new LaggingWorker(keyspace);
        const capture = new Capture(keyspace, worker);
        let clock = 0;
        while (!capture.walked || worker.acked() < worker.handed()) {
          for (let i = 0; i < 40; i++) mutate(keyspace, random);
          if (random() < 0.5) capture.step(++clock, () => clock + Math.floor(random() * 2));
          if (random() < 0.5) worker.work(Math.floor(random() * 120));
        }
        same(capture.keys, before.size);
        expect([...worker.seen].sort()).toEqual([...before].sort());
        capture.end();
        expectNoLeak(keyspace);
      }
    });
  }
});
