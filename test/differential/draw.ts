import { Random } from '../support/random.js';

/** The generator's source of chance. */
export class Draw extends Random {
  /** Whether who waits waits for one key, and not for the first of several. */
  single = false;

  /**
   * @param fractions whether commands may bring scores about that 7.0 and 7.2 print differently
   * @param logged whether what 7.0 logs must be all that has changed
   */
  constructor(
    seed: number,
    readonly fractions = false,
    readonly logged = false,
  ) {
    super(seed);
  }
}
