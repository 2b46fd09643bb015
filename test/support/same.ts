import { expect } from 'vitest';

/** `expect(actual).toBe(expected)` for loops over random steps: an expectation that holds costs nothing there. */
export function same<T>(actual: T, expected: T): void {
  if (!Object.is(actual, expected)) expect(actual).toBe(expected);
}
