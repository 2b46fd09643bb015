/** The words of TYPE, by the item's type. */
import type { ItemType } from '../memory/item.js';

// In the order of ItemType. A module's value is not known by its own name here.
const NAMES = ['string', 'list', 'set', 'zset', 'hash', 'stream', 'module'] as const;

export function typeName(type: ItemType): string {
  return NAMES[type];
}
