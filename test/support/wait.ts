/** Waiting for conditions: polled, with a deadline; nothing sleeps for a fixed time to wait for an event. */

export interface WaitOptions {
  /** What is waited for, for the failure's text. */
  what?: string;
  deadlineMs?: number;
  everyMs?: number;
}

/**
 * Calls `probe` until it returns something truthy, and returns that. A probe that throws counts as "not yet"; the last
 * error is named when the deadline passes.
 */
export async function eventually<T>(probe: () => T | Promise<T>, options: WaitOptions = {}): Promise<NonNullable<T>> {
  const { what = 'the condition', deadlineMs = 20_000, everyMs = 10 } = options;
  const end = performance.now() + deadlineMs;
  let last: unknown;
  for (;;) {
    try {
      const result = await probe();
      if (result) return result;
      last = result;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) {
      throw new Error(
        `${what} did not come true within ${deadlineMs} ms; last: ${last instanceof Error ? last.message : String(last)}`,
      );
    }
    await pause(everyMs);
  }
}

/** A pause between two looks; never a way to wait for an event. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Rejects when `promise` is not settled in time. */
export async function within<T>(promise: Promise<T>, deadlineMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${deadlineMs} ms`)), deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
