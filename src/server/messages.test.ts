import { expect, it } from 'vitest';
import type { Client } from './client.js';
import { Messages } from './messages.js';

const MB = 1024 * 1024;

const client = (resp = 2) => ({ resp, unsentBytes: 0 }) as Client;

function delivered(messages: Messages): { client: Client; bytes: Buffer }[] {
  const all: { client: Client; bytes: Buffer }[] = [];
  messages.deliver((to, buf, start, end) => all.push({ client: to, bytes: Buffer.from(buf.subarray(start, end)) }));
  return all;
}

it('come in the order in which they were made, however many buffers they take', () => {
  const messages = new Messages(() => false);
  const [a, b] = [client(2), client(3)];
  const expected: [Client, string][] = [];
  for (let i = 0; i < 40; i++) {
    const text = String(i).repeat(100_000);
    messages.addForAll([a, b], (out) => out.bulkText(text));
    messages.add(b, (out) => out.nil());
    expected.push([a, `$${text.length}\r\n${text}\r\n`], [b, `$${text.length}\r\n${text}\r\n`], [b, '_\r\n']);
  }
  expect(a.unsentBytes).toBe(expected.reduce((sum, [to, text]) => sum + (to === a ? text.length : 0), 0));
  const all = delivered(messages);
  expect(all.length).toBe(expected.length);
  all.forEach(({ client: to, bytes }, i) => {
    expect(to).toBe(expected[i]![0]);
    expect(bytes.toString() === expected[i]![1], `message ${i}`).toBe(true);
  });
  expect([a.unsentBytes, b.unsentBytes]).toEqual([0, 0]);
});

it('are not even made for whoever has too much waiting', () => {
  const limit = 3 * MB;
  const messages = new Messages((to) => to.unsentBytes >= limit);
  const deaf = client();
  const others = Array.from({ length: 10 }, () => client());
  let made = 0;
  const body = Buffer.alloc(MB);
  for (let i = 0; i < 50; i++) {
    messages.addForAll([deaf], (out) => {
      made++;
      out.bulk(body);
    });
  }
  expect(made).toBe(3);
  for (const other of others) messages.add(other, (out) => out.bulk(body));
  expect(delivered(messages).map(({ client: to }) => to)).toEqual([deaf, deaf, deaf, ...others]);
});
