/** Measures work that may hold the server: who does the work does not know who wants to know. */
export interface LatencyProbe {
  /** A moment to give to `end`; costs nothing while nobody wants to know. */
  begin(): number;
  end(event: string, begin: number): void;
}

export const NO_PROBE: LatencyProbe = { begin: () => 0, end: () => {} };
