/**
 * Watches how large the buffers are that code asks for, whether it uses them or not: a length that a damaged file claims
 * must not be believed. Stands in front of the constructors of buffers for as long as it is installed.
 */

const NAMES = [
  'ArrayBuffer',
  'SharedArrayBuffer',
  'Uint8Array',
  'Int32Array',
  'Uint32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'Array',
] as const;
const BUFFER_METHODS = ['alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const;

/** A segment of the arena, which is taken whole whatever it is for. */
const SEGMENT_BYTES = 64 * 1024 * 1024;

export class AllocationMeter {
  /** Bytes (elements, of an Array) of the largest piece since `reset`, segments of the arena excepted. */
  largest = 0;
  /** Of all pieces. */
  total = 0;
  private readonly undo: (() => void)[] = [];

  install(): this {
    const world = globalThis as unknown as Record<string, unknown>;
    for (const name of NAMES) {
      const original = world[name] as new (...args: unknown[]) => unknown;
      const width = (original as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1;
      world[name] = new Proxy(original, {
        construct: (target, args: unknown[], newTarget) => {
          if (args.length === 1 && typeof args[0] === 'number') this.note(args[0] * width);
          return Reflect.construct(target, args, newTarget) as object;
        },
      });
      this.undo.push(() => {
        world[name] = original;
      });
    }
    for (const name of BUFFER_METHODS) {
      const original = Buffer[name] as (bytes: number, ...rest: unknown[]) => Buffer;
      const methods = Buffer as unknown as Record<string, unknown>;
      methods[name] = (bytes: number, ...rest: unknown[]) => {
        this.note(bytes);
        return original.call(Buffer, bytes, ...rest);
      };
      this.undo.push(() => {
        methods[name] = original;
      });
    }
    return this;
  }

  uninstall(): void {
    for (const undo of this.undo.splice(0)) undo();
  }

  reset(): void {
    this.largest = 0;
    this.total = 0;
  }

  private note(bytes: number): void {
    if (bytes === SEGMENT_BYTES) return;
    if (bytes > this.largest) this.largest = bytes;
    this.total += bytes;
  }
}
