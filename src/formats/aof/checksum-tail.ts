/** The end of a log that no #CK line covers yet: how many bytes, and their CRC-32. */
export interface ChecksumTail {
  readonly bytes: number;
  readonly crc: number;
}
