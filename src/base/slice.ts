/**
 * A borrowed range of bytes. Methods that "return bytes" fill a Slice that the caller owns, so that no object is made
 * per call. The bytes stay valid until the next change to the arena or to the buffer they lie in.
 */
export class Slice {
  buf: Uint8Array = EMPTY;
  off = 0;
  len = 0;
  private own: Uint8Array = EMPTY;

  /** 24 bytes of this slice's own, for the digits of a value that is stored as a number. */
  get digits(): Uint8Array {
    if (this.own.length === 0) this.own = new Uint8Array(24);
    return this.own;
  }

  set(buf: Uint8Array, off: number, len: number): void {
    this.buf = buf;
    this.off = off;
    this.len = len;
  }

  /** A copy that outlives the arena's next change. */
  copy(): Uint8Array {
    // Not `buf.slice`: that of a Buffer copies nothing.
    return Uint8Array.from(this.buf.subarray(this.off, this.off + this.len));
  }

  toString(): string {
    let s = '';
    for (let i = 0; i < this.len; i++) s += String.fromCharCode(this.buf[this.off + i]!);
    return s;
  }
}

const EMPTY = new Uint8Array(0);
