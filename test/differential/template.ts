/**
 * The grammar that random commands are written in:
 *
 *   <kind>      an argument of a kind              [a b]   present half of the time
 *   (a|b)       one of them                        {a b}   repeated one to four times
 */
import type { Random } from '../support/random.js';

/** Makes an argument, or several; `R` is what it draws from. */
export type Kind<R extends Random> = (r: R) => string | readonly string[];

/** Writes out one template. */
export function expand<R extends Random>(template: string, r: R, kinds: Readonly<Record<string, Kind<R>>>): string[] {
  return new Template(template, r, kinds).sequence('', true);
}

class Template<R extends Random> {
  private at = 0;

  constructor(
    private readonly text: string,
    private readonly r: R,
    private readonly kinds: Readonly<Record<string, Kind<R>>>,
  ) {}

  /** Up to one of the closing characters; `live` is false while a part is skipped. */
  sequence(until: string, live: boolean): string[] {
    const { text, r } = this;
    const out: string[] = [];
    while (this.at < text.length && !until.includes(text[this.at]!)) {
      const c = text[this.at]!;
      if (c === ' ') {
        this.at++;
      } else if (c === '[') {
        this.at++;
        out.push(...this.sequence(']', live && r.chance(50)));
        this.at++;
      } else if (c === '(') {
        const options: string[][] = [];
        const from = this.at;
        // Written out once each without drawing numbers, then the chosen one again.
        do {
          this.at++;
          options.push([String(this.at)]);
          this.sequence('|)', false);
        } while (text[this.at] === '|');
        const end = this.at + 1;
        if (live) {
          this.at = Number(r.pick(options)[0]);
          out.push(...this.sequence('|)', true));
        }
        this.at = end;
        if (end <= from) throw new Error(`unbalanced template: ${text}`);
      } else if (c === '{') {
        const from = this.at + 1;
        for (let left = live ? 1 + r.below(4) : 1; left > 0; left--) {
          this.at = from;
          out.push(...this.sequence('}', live));
        }
        this.at++;
      } else {
        const word = /^[^ [\](){}|]+/.exec(text.slice(this.at))![0];
        this.at += word.length;
        if (!live) continue;
        const made = word[0] === '<' ? this.kinds[word.slice(1, -1)]!(r) : word;
        if (typeof made === 'string') out.push(made);
        else out.push(...made);
      }
    }
    return live ? out : [];
  }
}
