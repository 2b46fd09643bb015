/**
 * Names that one server of a machine holds at a time. Two that appended to one log would write over each other's bytes.
 *
 * On Linux a name is a socket in the abstract namespace: it goes with the process, so a killed one leaves nothing behind that
 * would have to be judged. The namespace is that of the network: servers in containers of their own do not see each other, and
 * elsewhere than on Linux only those within one process do.
 */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';

const held = new Set<string>();

/**
 * @param directory what the name is within, by whatever path
 * @returns what gives the name back; null when somebody else holds it
 */
export function claimName(directory: string, name: string): (() => void) | null {
  const { dev, ino } = statSync(directory, { bigint: true });
  const key = createHash('sha256').update(`${dev}:${ino}:${name}`).digest('hex').slice(0, 40);
  if (held.has(key)) return null;
  const release = process.platform === 'linux' ? bindAbstract(`onggi-${key}`) : () => {};
  if (release === null) return null;
  held.add(key);
  return () => {
    held.delete(key);
    release();
  };
}

function bindAbstract(name: string): (() => void) | null {
  const socket = createServer((connection) => connection.destroy());
  // Where there are no such sockets, or none are allowed, the name is only known within the process.
  socket.on('error', () => {});
  socket.listen({ path: `\0${name}`, exclusive: true });
  if (!socket.listening) return isBound(name) ? null : () => {};
  socket.unref();
  return () => socket.close();
}

function isBound(name: string): boolean {
  try {
    return readFileSync('/proc/net/unix', 'latin1').includes(`@${name}`);
  } catch {
    return false;
  }
}
