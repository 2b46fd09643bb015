/** INCRBYFLOAT: strings that are numbers with a fraction, added as long doubles. */
import { addLongDouble } from '../base/long-double.js';
import { Slice } from '../base/slice.js';
import type { Args } from '../formats/resp/args.js';
import { ItemType, itemValue } from '../memory/item.js';
import { plainStringEncoding } from '../values/string.js';
import type { Context } from './context.js';
import { NAN_OR_INFINITY, NOT_FLOAT } from './errors.js';
import { storeNumber } from './string-number.js';

const TEXT = new Slice();

/** Propagated as SET with the sum, so that another long double elsewhere does not make another value. */
export function incrbyfloat(c: Context, a: Args): void {
  const entry = c.writeType(a, 1, ItemType.STRING);
  let value = '0';
  if (entry !== 0) {
    const { arena } = c.keyspace;
    itemValue(arena, entry, TEXT);
    value = TEXT.toString();
  }
  const sum = addLongDouble(value, a.latin1(2));
  if (sum === null) throw NAN_OR_INFINITY;
  if (sum === '') throw NOT_FLOAT;
  const digits = Buffer.from(sum, 'latin1');
  storeNumber(c, a, entry, digits, digits.length, plainStringEncoding(digits.length));
  c.changed(a, 1, '$', 'incrbyfloat');
  c.rewrite('SET', a.bytes(1), digits, 'KEEPTTL');
  c.out.bulk(digits);
}
