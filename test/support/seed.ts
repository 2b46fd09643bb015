/**
 * The seed of a random test: always the same one, so that a run of the tests can be repeated as it was, unless ONGGI_SEED
 * names another. New ground is for the long runs (`npm run diff`, `fuzz`, `crash`), which draw a seed each time.
 */
export const TEST_SEED = Number(process.env['ONGGI_SEED'] ?? 20_261_127);
