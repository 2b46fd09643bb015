/** Fills a server with generated data over one pipelined connection; and the commands to fill it with. */
import { createConnection } from 'node:net';
import { encodeCommand } from '../test/support/client.js';

/** The i-th of many commands, as RESP. Its reply must be one line. */
export type CommandAt = (i: number) => Buffer;

const CHUNK = 5000;
const LF = 10;

/** Two chunks are in flight, so that the server never waits for us. */
export async function fill(port: number, count: number, commandAt: CommandAt): Promise<void> {
  const socket = createConnection(port, '127.0.0.1');
  await new Promise<void>((resolve, reject) => {
    let sent = 0;
    let answered = 0;
    const send = (): void => {
      while (sent < count && sent - answered <= CHUNK) {
        const parts: Buffer[] = [];
        for (const end = Math.min(count, sent + CHUNK); sent < end; sent++) parts.push(commandAt(sent));
        socket.write(Buffer.concat(parts));
      }
    };
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the server closed the connection')));
    socket.on('data', (chunk) => {
      for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, at + 1)) {
        // An error among the first replies is a mistake in the command; later ones do not happen.
        if (answered === 0 && chunk[0] === 0x2d) return reject(new Error(chunk.toString('latin1', 0, 200)));
        answered++;
      }
      if (answered >= count) resolve();
      else send();
    });
    socket.on('connect', send);
  });
  socket.removeAllListeners('close');
  socket.destroy();
}

/** Keys as redis-benchmark makes them (-r): `key:000000000042`, sixteen bytes. */
const keyAt = (i: number): string => `key:${String(i).padStart(12, '0')}`;

/** Text of the given length that differs from key to key and does not compress to nothing. */
function valueAt(i: number, bytes: number): string {
  let text = '';
  for (let x = (i * 2654435761) >>> 0; text.length < bytes; x = (Math.imul(x, 1664525) + 1013904223) >>> 0)
    text += x.toString(36);
  return text.slice(0, bytes);
}

export const stringsOf =
  (valueBytes: number): CommandAt =>
  (i) =>
    encodeCommand(['SET', keyAt(i), valueAt(i, valueBytes)]);

export const hashes: CommandAt = (i) => {
  const fields: string[] = [];
  for (let f = 0; f < 5; f++) fields.push(`field${f}`, valueAt(i * 5 + f, 12));
  return encodeCommand(['HSET', keyAt(i), ...fields]);
};

export const sortedSets: CommandAt = (i) => {
  const members: (string | number)[] = [];
  for (let m = 0; m < 5; m++) members.push((i * 7 + m * 13) % 1000, valueAt(i * 5 + m, 10));
  return encodeCommand(['ZADD', keyAt(i), ...members]);
};

export const lists: CommandAt = (i) => {
  const elements: string[] = [];
  for (let e = 0; e < 10; e++) elements.push(valueAt(i * 10 + e, 16));
  return encodeCommand(['RPUSH', keyAt(i), ...elements]);
};

export const sets: CommandAt = (i) => {
  const members: string[] = [];
  for (let m = 0; m < 5; m++) members.push(valueAt(i * 5 + m, 12));
  return encodeCommand(['SADD', keyAt(i), ...members]);
};

/** A data set as an application has it: strings mostly, and some of everything. */
export const mixed: CommandAt = (i) => {
  const slot = i % 10;
  if (slot === 6) return hashes(i);
  if (slot === 7) return sortedSets(i);
  if (slot === 8) return lists(i);
  if (slot === 9) return sets(i);
  return encodeCommand(['SET', keyAt(i), valueAt(i, 20 + (i % 80))]);
};
