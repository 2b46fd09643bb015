import { expect, it } from 'vitest';
import { Args } from '../../formats/resp/args.js';
import { FAMILIES } from '../families.js';
import { keyPositions } from '../key-positions.js';
import { CommandTable } from '../table.js';
import { KeyRight } from './key-access.js';

const { all } = new CommandTable(FAMILIES);
const WORDS = ['1', '2', '0', 'GET', 'SET', 'STORE', 'STREAMS', 'KEYS', 'BY', 'LIMIT', 'u8', '', 'key', 'OVERFLOW'];

it('sees the same keys at every command as COMMAND GETKEYSANDFLAGS tells', () => {
  for (const command of all) {
    if (command.handler === null) continue;
    const path = command.rule.split('|');
    for (let round = 0; round < 40; round++) {
      const least = Math.abs(command.arity);
      const count = command.arity > 0 ? least : least + (round % 6);
      const rest = Array.from({ length: count - path.length }, (_, i) => WORDS[(round * 7 + i * 3) % WORDS.length]!);
      const a = Args.of(...path, ...rest);
      const seen: string[] = [];
      const denied = command.keyAccess.firstDenied(a, (_, i, access) => {
        seen.push(`${i} ${access}`);
        return true;
      });
      expect(denied).toBe(0);
      const positions = keyPositions(command.spec, a);
      // PFMERGE of nothing: Redis tells no key. The destination is one all the same.
      if (positions === null) continue;
      const told = positions.map(({ index, flags }) => {
        const writes = ['insert', 'update', 'delete'].some((flag) => flags.includes(flag));
        return `${index} ${(flags.includes('access') ? KeyRight.READ : 0) | (writes ? KeyRight.WRITE : 0)}`;
      });
      expect(seen, [...path, ...rest].join(' ')).toEqual(told);
    }
  }
});
