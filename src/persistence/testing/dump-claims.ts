/**
 * What dumps may hold, by what was said of them: what was saved last, or what a save that began since has left, which did not
 * end well, or of which nobody has heard.
 */
import type { ModelServer } from './model-server.js';

export class DumpClaims {
  /** By path: states as ModelServer has them; null: there is no file. */
  private readonly confirmed = new Map<string, string | null>();
  private readonly possible = new Map<string, Set<string>>();

  /** Hears of what this server saves. */
  follow(server: ModelServer): void {
    server.onSnapshot = ({ aofBase, path }, state, step) => {
      if (aofBase) return;
      if (step !== 'named') {
        if (!this.possible.has(path)) this.possible.set(path, new Set());
        this.possible.get(path)!.add(state);
        return;
      }
      this.confirmed.set(path, state);
      this.possible.delete(path);
    };
  }

  /** The state that was saved last. */
  saved(path: string): string | null {
    return this.confirmed.get(path) ?? null;
  }

  allowed(path: string): (string | null)[] {
    return [this.saved(path), ...(this.possible.get(path) ?? [])];
  }
}
