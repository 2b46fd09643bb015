/** How long a turn takes in what comes; that replies wait for the log is in dispatch.test.ts. */
import { setImmediate as nextRound } from 'node:timers/promises';
import { beforeEach, expect, it } from 'vitest';
import { ReplyWriter } from '../formats/resp/reply.js';
import type { Client } from './client.js';
import { type EffectSink, NO_SINK } from './effects.js';
import { Turn } from './turn.js';

/** What one turn has sent: client and reply. */
type Sent = [client: number, reply: string][];

let turns: Sent[];
let open: Sent;
let now: number;
let busy: number;
let rests: number;
let sink: EffectSink;
let turn: Turn;

beforeEach(() => {
  turns = [];
  open = [];
  now = 1;
  busy = 0.75;
  rests = 0;
  sink = NO_SINK;
  const ended = (): void => {
    turns.push(open);
    open = [];
  };
  turn = new Turn(
    new ReplyWriter(),
    () => sink,
    { ended, sent() {}, unsafe() {} },
    () => now,
    { busyShare: () => busy, rest: () => rests++ },
  );
});

function clients(count: number): Client[] {
  return Array.from({ length: count }, (_, id) => {
    const write = (buf: Uint8Array, start: number, end: number): boolean => {
      open.push([id, Buffer.from(buf.subarray(start, end)).toString()]);
      return false;
    };
    const client = {
      id,
      unsent: 0,
      unsentBytes: 0,
      countedIn: -1,
      firstSegment: -1,
      isClosed: false,
      attention: false,
    };
    return { ...client, connection: { write, pending: 0 } } as unknown as Client;
  });
}

/** A command of the client is answered. */
function answer(client: Client, ms = 0.001): void {
  const start = turn.out.pos;
  turn.out.ok();
  now += ms;
  turn.add(client, start, false);
}

const ok = (...ids: number[]): Sent => ids.map((id) => [id, '+OK\r\n']);

/** Each client is answered in a turn of its own. */
async function onceEach(of: Client[], times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    answer(of[i % of.length]!);
    const before = turns.length;
    while (turns.length === before) await nextRound();
  }
  turns = [];
  rests = 0;
}

it('ends with the round of the event loop that it began in while clients are few', async () => {
  const few = clients(23);
  await onceEach(few, 200);
  answer(few[0]!);
  await nextRound();
  expect(turns).toEqual([ok(0)]);
  expect(rests).toBe(0);
});

it('ends with that round while the event loop has little to do', async () => {
  const many = clients(24);
  busy = 0.74;
  await onceEach(many, 200);
  answer(many[0]!);
  await nextRound();
  expect(turns).toEqual([ok(0)]);
  expect(rests).toBe(0);
});

it('takes in what comes round after round where many keep the server busy; when a round brings nothing, rests', async () => {
  const many = clients(24);
  await onceEach(many, 200);
  for (let i = 0; i < 5; i++) {
    answer(many[i]!);
    await nextRound();
    expect(turns).toEqual([]);
  }
  await nextRound();
  expect(turns).toEqual([ok(0, 1, 2, 3, 4)]);
  expect(rests).toBe(1);
});

it('ends after a tenth of a millisecond, whatever comes', async () => {
  const many = clients(24);
  await onceEach(many, 200);
  for (let i = 0; i < 3; i++) {
    answer(many[i]!, 0.04);
    await nextRound();
    expect(turns).toEqual([]);
  }
  answer(many[3]!, 0.04);
  await nextRound();
  expect(turns).toEqual([ok(0, 1, 2, 3)]);
  expect(rests).toBe(0);
});

it('takes in for as long as the disk takes at the end of a turn, a millisecond at most; then it does not rest', async () => {
  const many = clients(24);
  await onceEach(many, 200);
  for (const [turnSyncMs, answers] of [
    [0.4, 5],
    [5, 10],
  ] as const) {
    sink = { ...NO_SINK, enabled: true, turnSyncMs };
    for (let i = 0; i < answers; i++) {
      answer(many[i]!, 0.12);
      await nextRound();
    }
    expect(turns.map((one) => one.length)).toEqual([answers]);
    turns = [];
    answer(many[0]!);
    await nextRound();
    await nextRound();
    expect(turns).toEqual([ok(0)]);
    turns = [];
  }
  expect(rests).toBe(0);
});

it('gives a client both replies in one write when it is answered twice in a turn', async () => {
  const many = clients(24);
  await onceEach(many, 200);
  answer(many[0]!);
  await nextRound();
  answer(many[1]!);
  answer(many[0]!);
  await nextRound();
  await nextRound();
  expect(turns).toEqual([
    [
      [0, '+OK\r\n+OK\r\n'],
      [1, '+OK\r\n'],
    ],
  ]);
});
