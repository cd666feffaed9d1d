/** The lines of an output as it is read: the latest of them, however long it is, and what is found in them. */
import { plain } from './log'

/** How many lines are kept. */
export const KEPT = 400_000

export class LogLines {
  lines: string[] = []
  /** Lines that are no longer kept; the first kept one has this number, from 0. */
  dropped = 0
  private rest = ''

  constructor(private readonly kept = KEPT) {}

  /** What comes next; it may end within a line. */
  take(text: string): void {
    const parts = (this.rest + text).split('\n')
    this.rest = parts.pop() ?? ''
    // A call with very many arguments would overflow the stack.
    for (const part of parts) this.lines.push(part.endsWith('\r') ? part.slice(0, -1) : part)
    // Each time all that is kept moves, so not for every few lines.
    if (this.lines.length > this.kept * 1.05) {
      const many = this.lines.length - this.kept
      this.lines.splice(0, many)
      this.dropped += many
    }
  }

  /** There is no more: what has no line's end is a line, too. */
  end(): void {
    if (this.rest) this.take('\n')
  }
}

/** How many lines are looked through before the clock is asked again. */
const STRIDE = 500

/** Lines that hold a word, in any case; found little by little, and on as lines come in. */
export class LogSearch {
  /** Their numbers, as of all lines that ever were. */
  found: number[] = []
  private next: number

  constructor(private readonly log: LogLines, private readonly word: string) {
    this.next = log.dropped
  }

  /** Looks on while it may; whether all there is has been looked through. */
  go(may: () => boolean): boolean {
    const { lines, dropped } = this.log
    if (this.found.length && this.found[0]! < dropped) {
      const kept = this.found.findIndex((it) => it >= dropped)
      this.found.splice(0, kept < 0 ? this.found.length : kept)
    }
    this.next = Math.max(this.next, dropped)
    const end = dropped + lines.length
    const word = this.word.toLowerCase()
    while (this.next < end && may()) {
      for (const stop = Math.min(end, this.next + STRIDE); this.next < stop; this.next += 1) {
        if (plain(lines[this.next - dropped]!).toLowerCase().includes(word)) this.found.push(this.next)
      }
    }
    return this.next >= end
  }
}
