/**
 * List: one LISTPACK while it fits into one node (`list-max-listpack-size`), then TREE: a counted tree of listpacks
 * ("quicklist"). The listpacks are nodes (memory/list-node.ts), in both encodings.
 *
 * Where nodes are begun, split, merged and dropped follows Redis's quicklist, so OBJECT ENCODING answers alike:
 *   - a list becomes a quicklist when what is about to be added might make it exceed one node;
 *   - it becomes a listpack again when one node is left that is at most half full;
 *   - an element goes into the node at hand if that node's bytes and the element's, 8 more for its head, are within
 *     the limit; so an element larger than a node has a node of its own.
 *
 * Indices are numbers from 0; negative ones are the caller's to turn round.
 *
 * Invariants:
 *   1. No node of a tree is empty; the weight of a node is its number of elements.
 *   2. A list that is empty is a LISTPACK, except between `expect` and the first push.
 */
import type { Slice } from '../base/slice.js';
import { Encoding } from '../memory/item.js';
import {
  nodeAt,
  nodeCopy,
  nodeDelete,
  nodeDropEnd,
  nodeFromBytes,
  nodeInsert,
  nodeMerge,
  nodeNew,
  nodePush,
  nodeReplace,
  nodeReserve,
  nodeTail,
} from '../memory/list-node.js';
import {
  LP_HEADER,
  lpBytes,
  lpBytesOf,
  lpCount,
  lpEquals,
  lpFind,
  lpFirst,
  lpGet,
  lpIsEnd,
  lpLast,
  lpNext,
  lpPrev,
  lpSeek,
} from '../memory/listpack.js';
import { Tree } from '../memory/tree.js';
import { RESERVED_MAX, Value } from './value.js';

/** Bytes of a node by the directive's value -1 to -5. */
const NODE_BYTES = [4096, 8192, 16384, 32768, 65536];
/** With a limit in elements, a node does not exceed this. */
const COUNTED_NODE_BYTES = 8192;
/** What an element's head and backlen are taken for. */
const ELEMENT_OVERHEAD = 8;
/** Room that a new node gets at the most. */
const NEW_NODE_BYTES_MAX = 4096;
/** What merging two listpacks saves. */
const MERGE_SAVES = 7;

export class List extends Value {
  private readonly tree = new Tree(this.arena, null, true);
  /** Pushes that `expect` has made room for. */
  private expected = 0;
  // The walk: the view, listpack and position of the next element (0: go on to the next node), and the direction. Read by
  // `walkNode`'s callers.
  walkBytes: Uint8Array = EMPTY;
  walkAt = 0;
  walkPos = 0;
  private walkForward = true;

  override open(encoding: Encoding, root: number): this {
    super.open(encoding, root);
    this.expected = 0;
    if (encoding === Encoding.TREE) this.tree.open(root);
    return this;
  }

  create(): this {
    this.encoding = Encoding.LISTPACK;
    this.root = nodeNew(this.arena);
    this.expected = 0;
    return this;
  }

  get length(): number {
    if (this.encoding === Encoding.TREE) return this.tree.weight;
    return lpCount(this.arena.bytesOf(this.root), nodeAt(this.arena, this.root));
  }

  release(): void {
    const { arena } = this;
    if (this.encoding === Encoding.TREE) this.tree.release((node) => arena.free(node));
    else arena.free(this.root);
    this.root = 0;
  }

  copyRoot(): number {
    const { arena, tree } = this;
    if (this.encoding === Encoding.LISTPACK) return nodeCopy(arena, this.root);
    const copy = new Tree(arena, null, true);
    for (let node = tree.seekFirst(); node !== 0; node = tree.next()) {
      copy.append(nodeCopy(arena, node), tree.itemWeight());
    }
    return copy.root;
  }

  blocks(visit: (address: number) => void): void {
    const { tree } = this;
    if (this.encoding === Encoding.LISTPACK) {
      visit(this.root);
      return;
    }
    tree.blocks(visit);
    for (let node = tree.seekFirst(); node !== 0; node = tree.next()) visit(node);
  }

  override *dismantle(): Generator<number> {
    if (this.encoding === Encoding.LISTPACK) yield this.root;
    else yield* this.tree.dismantle(true);
  }

  encodingName(): string {
    return this.encoding === Encoding.TREE ? 'quicklist' : 'listpack';
  }

  // --- limits and conversions --------------------------------------------------------------------------------------

  /** Whether a node may not have so many bytes and elements. */
  private exceeds(bytes: number, count: number): boolean {
    const fill = this.limits.listMaxListpackSize;
    if (fill < 0) return bytes > NODE_BYTES[Math.min(-fill, NODE_BYTES.length) - 1]!;
    return bytes > COUNTED_NODE_BYTES || count > Math.max(fill, 1);
  }

  /** Whether a quicklist of one such node stays one. */
  private staysTree(bytes: number, count: number, divisor: number): boolean {
    const fill = this.limits.listMaxListpackSize;
    if (fill < 0) return bytes > NODE_BYTES[Math.min(-fill, NODE_BYTES.length) - 1]! / divisor;
    return count > Math.floor(Math.max(fill, 1) / divisor);
  }

  /** Whether an element of `len` bytes may join the node. */
  private takes(node: number, count: number, len: number): boolean {
    const bytes = lpBytes(this.arena.bytesOf(node), nodeAt(this.arena, node));
    return !this.exceeds(bytes + len + ELEMENT_OVERHEAD, count + 1);
  }

  /**
   * The next `count` calls of `push`, `insertBeside` or `set` bring elements of `bytes` bytes in all: converts if they might
   * not fit into one node. Without it every such call decides for itself.
   */
  expect(bytes: number, count: number): void {
    this.expected = count;
    if (this.encoding === Encoding.TREE) return;
    const u8 = this.arena.bytesOf(this.root);
    const at = nodeAt(this.arena, this.root);
    if (this.exceeds(lpBytes(u8, at) + bytes, lpCount(u8, at) + count)) this.toTree();
  }

  /** As `reserve`, for elements that are about to be pushed. */
  reserveEnd(head: boolean, buf: Uint8Array, off: Int32Array, len: Int32Array, from: number, to: number): void {
    if (this.encoding !== Encoding.LISTPACK) return;
    const bytes = lpBytesOf(buf, off, len, from, to);
    if (bytes <= RESERVED_MAX) this.root = nodeReserve(this.arena, this.root, head, bytes);
  }

  private arrives(len: number): void {
    if (this.expected === 0) this.expect(len, 1);
    this.expected--;
  }

  private toTree(): void {
    const { arena, tree } = this;
    const node = this.root;
    const count = lpCount(arena.bytesOf(node), nodeAt(arena, node));
    tree.open(0);
    if (count > 0) tree.append(node, count);
    else arena.free(node);
    this.encoding = Encoding.TREE;
    this.root = tree.root;
  }

  /** Back to a LISTPACK when one node is left that fills at most 1/`divisor` of the limit. */
  private toListpack(divisor: number): void {
    const { arena, tree } = this;
    if (this.encoding !== Encoding.TREE || (tree.root !== 0 && !tree.isSingle)) return;
    const node = tree.seekFirst();
    if (node !== 0) {
      const count = tree.itemWeight();
      if (this.staysTree(lpBytes(arena.bytesOf(node), nodeAt(arena, node)), count, divisor)) return;
    }
    tree.release();
    this.encoding = Encoding.LISTPACK;
    this.root = node === 0 ? nodeNew(arena) : node;
  }

  // --- ends --------------------------------------------------------------------------------------------------------

  /** The range must not lie in this list. Hot: no allocation but of blocks. */
  push(head: boolean, buf: Uint8Array, off: number, len: number): void {
    const { arena, tree } = this;
    this.arrives(len);
    if (this.encoding === Encoding.LISTPACK) {
      this.root = nodePush(arena, this.root, head, buf, off, len);
      return;
    }
    const node = head ? tree.seekFirst() : tree.seekLast();
    if (node !== 0) {
      if (this.takes(node, tree.itemWeight(), len)) {
        this.moved(node, nodePush(arena, node, head, buf, off, len), 1);
        return;
      }
      if (!head) tree.seekEnd();
    }
    tree.insert(this.nodeOf(node, head, buf, off, len), 1);
    this.root = tree.root;
  }

  /**
   * A node of one element. Beside a node that is full it gets room for half of that one, on the side where the next elements
   * are likely to come.
   */
  private nodeOf(neighbour: number, head: boolean, buf: Uint8Array, off: number, len: number): number {
    const { arena } = this;
    const room = neighbour === 0 ? 0 : lpBytes(arena.bytesOf(neighbour), nodeAt(arena, neighbour)) >>> 1;
    return nodePush(arena, nodeNew(arena, Math.min(room, NEW_NODE_BYTES_MAX), head), head, buf, off, len);
  }

  /** The node at the tree's cursor is at another address or has another number of elements now. */
  private changed(old: number, node: number, count: number): void {
    this.moved(old, node, count - this.tree.itemWeight());
  }

  /** As `changed`, by the number of elements that came or went. Hot. */
  private moved(old: number, node: number, delta: number): void {
    const { tree } = this;
    if (node !== old) tree.replace(node);
    if (delta !== 0) tree.shiftWeight(delta);
    this.root = tree.root;
  }

  /** The first or the last element; false when the list is empty. Hot. */
  peek(head: boolean, out: Slice): boolean {
    const { arena, tree } = this;
    const node = this.encoding === Encoding.LISTPACK ? this.root : head ? tree.seekFirst() : tree.seekLast();
    if (node === 0) return false;
    const u8 = arena.bytesOf(node);
    const at = nodeAt(arena, node);
    const pos = head ? lpFirst(u8, at) : lpLast(u8, at);
    if (pos === 0) return false;
    lpGet(u8, at, pos, out);
    return true;
  }

  /** Removes the first or the last element; the list is not empty. Unless `settles`, `settle` is the caller's. Hot. */
  dropEnd(head: boolean, settles = true): void {
    const { arena, tree } = this;
    if (this.encoding === Encoding.LISTPACK) {
      this.root = nodeDropEnd(arena, this.root, head);
      return;
    }
    const node = head ? tree.seekFirst() : tree.seekLast();
    if (tree.itemWeight() === 1) {
      arena.free(node);
      tree.remove();
      this.root = tree.root;
    } else {
      this.moved(node, nodeDropEnd(arena, node, head), -1);
    }
    if (settles) this.toListpack(2);
  }

  /** Back to a LISTPACK if the list has become small enough. Every other method that shrinks the list does so itself. */
  settle(): void {
    this.toListpack(2);
  }

  // --- by index ----------------------------------------------------------------------------------------------------

  /** False when there is no such element. */
  index(index: number, out: Slice): boolean {
    const { arena } = this;
    const node = this.nodeOfIndex(index);
    if (node === 0) return false;
    const u8 = arena.bytesOf(node);
    const at = nodeAt(arena, node);
    const pos = lpSeek(u8, at, this.indexInNode);
    if (pos === 0) return false;
    lpGet(u8, at, pos, out);
    return true;
  }

  private indexInNode = 0;
  /** The node that holds the element, at the tree's cursor; `indexInNode` is set. 0: no such element. */
  private nodeOfIndex(index: number): number {
    if (index < 0 || index >= this.length) return 0;
    if (this.encoding === Encoding.LISTPACK) {
      this.indexInNode = index;
      return this.root;
    }
    const node = this.tree.seekOffset(index);
    this.indexInNode = this.tree.offsetInItem;
    return node;
  }

  /** False when there is no such element. */
  set(index: number, buf: Uint8Array, off: number, len: number): boolean {
    const { arena } = this;
    if (index < 0 || index >= this.length) return false;
    this.arrives(len);
    const node = this.nodeOfIndex(index);
    const pos = lpSeek(arena.bytesOf(node), nodeAt(arena, node), this.indexInNode);
    const replaced = nodeReplace(arena, node, pos, buf, off, len);
    if (this.encoding === Encoding.LISTPACK) {
      this.root = replaced;
      return true;
    }
    this.changed(node, replaced, this.tree.itemWeight());
    this.toListpack(2);
    return true;
  }

  /** Puts an element before or after the `index`th, which exists. */
  insertBeside(index: number, after: boolean, buf: Uint8Array, off: number, len: number): void {
    const { arena, tree } = this;
    this.arrives(len);
    const node = this.nodeOfIndex(index);
    const at = nodeAt(arena, node);
    const pos = lpSeek(arena.bytesOf(node), at, this.indexInNode);
    const place = after ? pastElement(arena.bytesOf(node), at, pos) : pos;
    if (this.encoding === Encoding.LISTPACK) {
      this.root = nodeInsert(arena, node, place, buf, off, len);
      return;
    }
    const count = tree.itemWeight();
    if (this.takes(node, count, len)) {
      this.changed(node, nodeInsert(arena, node, place, buf, off, len), count + 1);
      return;
    }
    const atEdge = after ? this.indexInNode === count - 1 : this.indexInNode === 0;
    if (atEdge) this.insertAtEdge(node, after, buf, off, len);
    else this.insertSplitting(node, place, count, after, buf, off, len);
  }

  /** Beside the full node at the cursor: into its neighbour if that takes the element, else into a node of its own. */
  private insertAtEdge(node: number, after: boolean, buf: Uint8Array, off: number, len: number): void {
    const { arena, tree } = this;
    const neighbour = after ? tree.next() : tree.prev();
    if (neighbour !== 0) {
      const count = tree.itemWeight();
      if (this.takes(neighbour, count, len)) {
        this.changed(neighbour, nodePush(arena, neighbour, after, buf, off, len), count + 1);
        return;
      }
      if (!after) tree.next();
    }
    tree.insert(this.nodeOf(node, !after, buf, off, len), 1);
    this.root = tree.root;
  }

  /** Splits the full node at the cursor at `place`; the element ends the left part or begins the right one. */
  private insertSplitting(
    node: number,
    place: number,
    count: number,
    after: boolean,
    buf: Uint8Array,
    off: number,
    len: number,
  ): void {
    const { arena, tree } = this;
    const leftCount = this.indexInNode + (after ? 1 : 0);
    const rightCount = count - leftCount;
    let right = nodeTail(arena, node, place, rightCount);
    let left = nodeDelete(arena, node, place, rightCount);
    if (after) right = nodePush(arena, right, true, buf, off, len);
    else left = nodePush(arena, left, false, buf, off, len);
    this.changed(node, left, leftCount + (after ? 0 : 1));
    tree.next();
    tree.insert(right, rightCount + (after ? 1 : 0));
    // The cursor goes to the part without the element: around it neighbours are merged.
    if (after) tree.prev();
    this.mergeAround();
    this.root = tree.root;
  }

  /** As quicklist does around a split node: the two before it, the two behind it, then it with its neighbours. */
  private mergeAround(): void {
    const { tree } = this;
    if (tree.prev() !== 0) {
      if (tree.prev() !== 0 && !this.mergeWithNext()) tree.next();
      tree.next();
    }
    if (tree.next() !== 0) this.mergeWithNext();
    tree.prev();
    if (tree.prev() !== 0 && !this.mergeWithNext()) tree.next();
    this.mergeWithNext();
  }

  /** Merges the node at the cursor with the one behind it if one node may hold both. The cursor stays. */
  private mergeWithNext(): boolean {
    const { arena, tree } = this;
    const left = tree.item();
    const leftCount = tree.itemWeight();
    const right = tree.next();
    if (right === 0) {
      tree.prev();
      return false;
    }
    const rightCount = tree.itemWeight();
    const bytes =
      lpBytes(arena.bytesOf(left), nodeAt(arena, left)) + lpBytes(arena.bytesOf(right), nodeAt(arena, right));
    if (this.exceeds(bytes - MERGE_SAVES, leftCount + rightCount)) {
      tree.prev();
      return false;
    }
    tree.remove();
    tree.prev();
    tree.replace(nodeMerge(arena, left, right));
    tree.setWeight(leftCount + rightCount);
    return true;
  }

  /** Removes up to `count` elements from `start` on; returns how many. */
  removeRange(start: number, count: number): number {
    const { arena, tree } = this;
    let left = Math.min(count, this.length - start);
    if (left <= 0) return 0;
    const removed = left;
    let node = this.nodeOfIndex(start);
    if (this.encoding === Encoding.LISTPACK) {
      this.root = nodeDelete(arena, node, lpSeek(arena.bytesOf(node), nodeAt(arena, node), start), left);
      return removed;
    }
    for (let first = this.indexInNode; left > 0; first = 0) {
      const inNode = tree.itemWeight();
      const gone = Math.min(left, inNode - first);
      left -= gone;
      if (gone === inNode) {
        arena.free(node);
        tree.remove();
        node = tree.item();
      } else {
        const pos = lpSeek(arena.bytesOf(node), nodeAt(arena, node), first);
        this.changed(node, nodeDelete(arena, node, pos, gone), inNode - gone);
        if (left > 0) node = tree.next();
      }
    }
    this.root = tree.root;
    this.toListpack(2);
    return removed;
  }

  /** Keeps only the elements `start`..`stop`, both included; returns how many went. */
  trim(start: number, stop: number): number {
    const { length } = this;
    const behind = this.removeRange(stop + 1, length - stop - 1);
    return behind + this.removeRange(0, start);
  }

  // --- by content --------------------------------------------------------------------------------------------------

  /**
   * Removes elements that equal the bytes: the first `count` of them, the last `-count` when negative, all when 0.
   * Returns how many; when none, nothing has changed.
   */
  removeMatching(buf: Uint8Array, off: number, len: number, count: number): number {
    const { arena, tree } = this;
    const forward = count >= 0;
    const wanted = count === 0 ? Number.MAX_SAFE_INTEGER : Math.min(Math.abs(count), Number.MAX_SAFE_INTEGER);
    if (this.encoding === Encoding.LISTPACK) {
      this.root = this.removeInNode(this.root, forward, buf, off, len, wanted);
      return this.removedInNode;
    }
    let left = wanted;
    let node = forward ? tree.seekFirst() : tree.seekLast();
    while (node !== 0 && left > 0) {
      const inNode = tree.itemWeight();
      const rest = this.removeInNode(node, forward, buf, off, len, left);
      const removed = this.removedInNode;
      left -= removed;
      if (removed === inNode) {
        arena.free(rest);
        tree.remove();
        node = forward ? tree.item() : tree.prev();
      } else {
        if (removed > 0) this.changed(node, rest, inNode - removed);
        node = forward ? tree.next() : tree.prev();
      }
    }
    this.root = tree.root;
    if (left < wanted) this.toListpack(2);
    return wanted - left;
  }

  private removedInNode = 0;
  private removeInNode(
    node: number,
    forward: boolean,
    buf: Uint8Array,
    off: number,
    len: number,
    wanted: number,
  ): number {
    const { arena } = this;
    let removed = 0;
    let u8 = arena.bytesOf(node);
    let at = nodeAt(arena, node);
    let pos = forward ? lpFind(u8, at, lpFirst(u8, at), buf, off, len, 0) : lpLast(u8, at);
    while (pos !== 0 && removed < wanted) {
      if (!forward) {
        const before = lpPrev(u8, at, pos);
        if (lpEquals(u8, at, pos, buf, off, len)) {
          node = nodeDelete(arena, node, pos);
          removed++;
          u8 = arena.bytesOf(node);
          at = nodeAt(arena, node);
        }
        pos = before;
        continue;
      }
      node = nodeDelete(arena, node, pos);
      removed++;
      u8 = arena.bytesOf(node);
      at = nodeAt(arena, node);
      pos = lpIsEnd(u8, at, pos) ? 0 : lpFind(u8, at, pos, buf, off, len, 0);
    }
    this.removedInNode = removed;
    return node;
  }

  // --- walking -----------------------------------------------------------------------------------------------------

  /** Begins a walk at `index`; nothing may change until it ends. */
  start(index: number, forward: boolean): void {
    this.walkForward = forward;
    const node = this.nodeOfIndex(index);
    this.walkPos = 0;
    if (node === 0) {
      this.walkBytes = EMPTY;
      return;
    }
    this.enter(node);
    this.walkPos = lpSeek(this.walkBytes, this.walkAt, this.indexInNode);
  }

  private enter(node: number): void {
    this.walkBytes = this.arena.bytesOf(node);
    this.walkAt = nodeAt(this.arena, node);
  }

  /**
   * Whether the walk stands at an element, going on to the next node if need be. For loops that read a whole node by
   * themselves: the element is at walkBytes[walkAt + walkPos], and `leaveNode` goes on behind the node.
   */
  walkNode(): boolean {
    if (this.walkPos !== 0) return true;
    if (this.walkBytes === EMPTY) return false;
    const node = this.encoding === Encoding.LISTPACK ? 0 : this.walkForward ? this.tree.next() : this.tree.prev();
    if (node === 0) {
      this.walkBytes = EMPTY;
      return false;
    }
    this.enter(node);
    this.walkPos = this.walkForward ? LP_HEADER : lpLast(this.walkBytes, this.walkAt);
    return true;
  }

  leaveNode(): void {
    this.walkPos = 0;
  }

  private step(): void {
    const { walkBytes, walkAt, walkPos } = this;
    this.walkPos = this.walkForward ? lpNext(walkBytes, walkAt, walkPos) : lpPrev(walkBytes, walkAt, walkPos);
  }

  /** The next element of the walk; false at the end. Hot: no allocation. */
  next(out: Slice): boolean {
    if (!this.walkNode()) return false;
    lpGet(this.walkBytes, this.walkAt, this.walkPos, out);
    this.step();
    return true;
  }

  /** As `next` without reading the element: whether it equals the bytes (1), does not (0), or there is none (-1). */
  nextEquals(buf: Uint8Array, off: number, len: number): number {
    if (!this.walkNode()) return -1;
    const equal = lpEquals(this.walkBytes, this.walkAt, this.walkPos, buf, off, len) ? 1 : 0;
    this.step();
    return equal;
  }

  // --- nodes, for RDB ----------------------------------------------------------------------------------------------

  /** O(n) in nodes. */
  get nodeCount(): number {
    if (this.encoding === Encoding.LISTPACK) return 1;
    let count = 0;
    for (let node = this.tree.seekFirst(); node !== 0; node = this.tree.next()) count++;
    return count;
  }

  /** Visits each node's listpack in order: its bytes are u8[off, off + bytes). */
  nodes(visit: (u8: Uint8Array, off: number, bytes: number, count: number) => void): void {
    const { arena, tree } = this;
    if (this.encoding === Encoding.LISTPACK) {
      const u8 = arena.bytesOf(this.root);
      const at = nodeAt(arena, this.root);
      visit(u8, at, lpBytes(u8, at), lpCount(u8, at));
      return;
    }
    for (let node = tree.seekFirst(); node !== 0; node = tree.next()) {
      const u8 = arena.bytesOf(node);
      const at = nodeAt(arena, node);
      visit(u8, at, lpBytes(u8, at), tree.itemWeight());
    }
  }

  /** Appends a whole node, a sound listpack (`lpValidate`); an empty one is skipped. For loading; see `loadEnd`. */
  loadNode(buf: Uint8Array, off: number, len: number): void {
    const { arena, tree } = this;
    const count = lpCount(buf, off);
    if (count === 0) return;
    if (this.encoding === Encoding.LISTPACK) {
      // Most lists have one small node, and no more comes.
      if (this.length === 0 && !this.exceeds(len, count)) {
        arena.free(this.root);
        this.root = nodeFromBytes(arena, buf, off, len);
        return;
      }
      this.toTree();
    }
    tree.append(nodeFromBytes(arena, buf, off, len), count);
    this.root = tree.root;
  }

  /** Ends a load by `loadNode` or `push`: a list of one node that is within the limit becomes a LISTPACK. */
  loadEnd(): void {
    if (this.encoding === Encoding.TREE) this.toListpack(1);
    else this.expect(0, 0);
  }
}

/** Position behind the element. */
function pastElement(u8: Uint8Array, at: number, pos: number): number {
  const next = lpNext(u8, at, pos);
  return next === 0 ? lpBytes(u8, at) - 1 : next;
}

const EMPTY = new Uint8Array(0);
