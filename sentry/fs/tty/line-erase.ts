/** VERASE, VWERASE and VKILL: removing typed input and rubbing it out on the screen in termios(3)'s ways. */
import * as T from '../../abi/termios.ts';
import type { LineDiscipline } from './line-discipline.ts';
import { isControl } from './line-output.ts';

const TAB = 9;
const NL = 10;
const BACKSLASH = 0x5c;

type Kind = 'char' | 'word' | 'line';

/** Acts on one of the three characters; `c` tells which. */
export function eraseInput(line: LineDiscipline, c: number): void {
  const { lflag, cc } = line.termios;
  if (line.head === line.canonHead) return;
  const echo = (lflag & T.ECHO) !== 0;
  const kind: Kind =
    c === cc[T.VERASE] ? 'char' : c === cc[T.VWERASE] && (lflag & T.IEXTEN) !== 0 ? 'word' : 'line';
  if (kind === 'line') {
    if (!echo) {
      line.head = line.canonHead;
      return;
    }
    const visual = T.ECHOK | T.ECHOKE | T.ECHOE;
    if ((lflag & visual) !== visual) {
      line.head = line.canonHead;
      line.finishErasing();
      line.output.echoChar(c);
      if ((lflag & T.ECHOK) !== 0) line.output.echoRaw(NL);
      return;
    }
  }
  eraseBackwards(line, kind, echo);
  if (line.head === line.canonHead && echo) line.finishErasing();
}

function eraseBackwards(line: LineDiscipline, kind: Kind, echo: boolean): void {
  let seenWord = false;
  while (line.head !== line.canonHead) {
    let at = line.head;
    let c: number;
    do {
      at--;
      c = line.byteAt(at);
    } while (line.output.isContinuation(c) && at !== line.canonHead);
    // A character that has lost its first byte is not erased in part.
    if (line.output.isContinuation(c)) break;
    if (kind === 'word') {
      if (isWord(c)) seenWord = true;
      else if (seenWord) break;
    }
    const count = line.head - at;
    line.head = at;
    if (echo) showErasure(line, kind, c, count);
    if (kind === 'char') break;
  }
}

/** line.head has just moved back over `count` bytes, the first being `c`. */
function showErasure(line: LineDiscipline, kind: Kind, c: number, count: number): void {
  const { lflag, cc } = line.termios;
  const out = line.output;
  if ((lflag & T.ECHOPRT) !== 0) {
    if (!line.erasing) {
      out.echoRaw(BACKSLASH);
      line.erasing = true;
    }
    out.echoChar(c);
    for (let i = 1; i < count; i++) {
      out.echoRaw(line.byteAt(line.head + i));
      out.moveBackColumn();
    }
  } else if (kind === 'char' && (lflag & T.ECHOE) === 0) {
    out.echoChar(cc[T.VERASE]!);
  } else if (c === TAB) {
    eraseTab(line);
  } else {
    if (isControl(c) && (lflag & T.ECHOCTL) !== 0) out.echoRubout();
    if (!isControl(c) || (lflag & T.ECHOCTL) !== 0) out.echoRubout();
  }
}

/** How far a tab reached depends on what precedes it. */
function eraseTab(line: LineDiscipline): void {
  let columns = 0;
  for (let at = line.head; at !== line.canonHead;) {
    const c = line.byteAt(--at);
    if (c === TAB) {
      line.output.echoEraseTab(columns, true);
      return;
    }
    if (isControl(c)) {
      if ((line.termios.lflag & T.ECHOCTL) !== 0) columns += 2;
    } else if (!line.output.isContinuation(c)) {
      columns++;
    }
  }
  line.output.echoEraseTab(columns, false);
}

/** Linux's isalnum() there is Latin-1. */
function isWord(c: number): boolean {
  return (
    (c >= 0x30 && c <= 0x39) ||
    (c >= 0x41 && c <= 0x5a) ||
    (c >= 0x61 && c <= 0x7a) ||
    c === 0x5f ||
    (c >= 0xc0 && c !== 0xd7 && c !== 0xf7)
  );
}
