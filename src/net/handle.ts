/**
 * The handles below Node's sockets. A `net.Socket` costs about as much per request as executing a GET does; the handle
 * under it reads into one buffer that all connections share, and writes what the kernel takes at once without a request
 * object, a callback or a tick.
 *
 * These are Node's internals, stable since Node 12 but not promised. `rawStreams()` looks whether all that is needed is
 * there, and answers null otherwise: then connections are ordinary sockets (connection.ts has both forms).
 */

/** The TCP or pipe handle of an accepted connection. */
export interface RawHandle {
  readonly fd: number;
  /** Bytes that wait in the event loop's queue. */
  readonly writeQueueSize?: number;
  onread: () => void;
  useUserBuffer(buffer: Uint8Array): void;
  readStart(): number;
  readStop(): number;
  /** 0 or a negative errno. What happened is in the state array. */
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
  close(done?: () => void): void;
  setNoDelay?(on: boolean): number;
  setKeepAlive?(on: boolean, delaySeconds: number): number;
  getpeername?(out: object): number;
  getsockname?(out: object): number;
}

export interface WriteRequest {
  oncomplete: (status: number) => void;
  /** Keeps the bytes alive while the kernel takes them. */
  buffer?: Uint8Array;
}

export interface RawStreams {
  /** A write that the kernel does not take at once needs a request of its own. */
  newRequest(): WriteRequest;
  /** Bytes read by the last `onread`, or a negative errno; `EOF` at the end. */
  bytesRead(): number;
  /** Whether the last `writeBuffer` left something for later. */
  wasAsync(): boolean;
}

export const EOF = -4095;

interface StreamBinding {
  WriteWrap?: new () => WriteRequest;
  streamBaseState?: Int32Array;
  kReadBytesOrError?: number;
  kLastWriteWasAsync?: number;
}

/** Null when this Node does not have them. */
export function rawStreams(): RawStreams | null {
  let binding: StreamBinding;
  try {
    const get = (process as unknown as { binding?: (name: string) => StreamBinding }).binding;
    if (get === undefined) return null;
    binding = get.call(process, 'stream_wrap');
  } catch {
    return null;
  }
  const { WriteWrap, streamBaseState: state, kReadBytesOrError, kLastWriteWasAsync } = binding;
  if (WriteWrap === undefined || state === undefined) return null;
  if (kReadBytesOrError === undefined || kLastWriteWasAsync === undefined) return null;
  return {
    newRequest: () => new WriteWrap(),
    bytesRead: () => state[kReadBytesOrError]!,
    wasAsync: () => state[kLastWriteWasAsync]! !== 0,
  };
}

/** Whether the handle has what RawConnection uses. */
export function isRawHandle(handle: unknown): handle is RawHandle {
  if (typeof handle !== 'object' || handle === null) return false;
  const each = handle as Partial<RawHandle>;
  return (
    typeof each.useUserBuffer === 'function' &&
    typeof each.readStart === 'function' &&
    typeof each.readStop === 'function' &&
    typeof each.writeBuffer === 'function' &&
    typeof each.close === 'function' &&
    'onread' in handle
  );
}
