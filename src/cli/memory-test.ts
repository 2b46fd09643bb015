/**
 * `--test-memory N`: writes patterns to N megabytes, reads them back, and says whether every word came back. It cannot
 * choose physical memory; a tool that runs before the system does can.
 */
const MB = 1024 * 1024;
const PASSES = 4;

/** Returns the number of words that came back wrong. */
export function testMemory(megabytes: number, progress: (pass: number, passes: number) => void): number {
  const chunks: Uint32Array[] = [];
  for (let i = 0; i < megabytes; i++) chunks.push(new Uint32Array(MB / 4));
  let wrong = 0;
  for (let pass = 0; pass < PASSES; pass++) {
    progress(pass + 1, PASSES);
    for (const [i, chunk] of chunks.entries()) {
      for (let word = 0; word < chunk.length; word++) chunk[word] = pattern(pass, i, word);
    }
    for (const [i, chunk] of chunks.entries()) {
      for (let word = 0; word < chunk.length; word++) if (chunk[word] !== pattern(pass, i, word)) wrong++;
    }
  }
  return wrong;
}

/** Alternating bits, their opposite, every word's own address, noise. */
function pattern(pass: number, chunk: number, word: number): number {
  if (pass === 0) return 0xaaaaaaaa;
  if (pass === 1) return 0x55555555;
  const address = (chunk * (MB / 4) + word) >>> 0;
  return pass === 2 ? address : Math.imul(address ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
}
