import { expect, it } from 'vitest';
import { ReplyWriter } from './reply.js';

it('a reply that becomes too long is told of once, and what lies before it stays', () => {
  const out = new ReplyWriter(64);
  let told = 0;
  out.onOverflow = () => told++;
  out.replyMax = () => 10_000;
  out.raw('+before\r\n');
  out.floor = out.pos;
  const at = out.pos;
  for (let i = 0; i < 1000; i++) out.bulkText('x'.repeat(i));
  expect(out.overflowed).toBe(true);
  expect(told).toBe(1);
  expect(out.buf.length).toBeLessThan(30_000);
  // What handlers do with positions goes on to be harmless.
  out.pos = out.floor;
  out.arrayAt(out.buf.length - 2, 1000);
  out.arrayAt(at, 1000);
  expect(out.buf.toString('latin1', 0, at)).toBe('+before\r\n');
});

it('a reply may be as long as is allowed', () => {
  const out = new ReplyWriter(64);
  out.replyMax = () => 10_000;
  const body = 'x'.repeat(9000);
  out.bulkText(body);
  expect(out.overflowed).toBe(false);
  expect(out.buf.toString('latin1', 0, out.pos)).toBe(`$9000\r\n${body}\r\n`);
});
