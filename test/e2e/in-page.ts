/** What tests run in the page. The compiler knows no DOM here, so each function names what it uses of it. */

export interface ElementLike {
  scrollTop: number;
  readonly scrollWidth: number;
  readonly clientWidth: number;
  readonly textContent: string | null;
  getAttribute(name: string): string | null;
  closest(selector: string): ElementLike | null;
}

interface DocumentLike {
  readonly activeElement: ElementLike | null;
  readonly body: ElementLike;
  readonly documentElement: ElementLike;
  querySelectorAll(selector: string): { readonly length: number };
  getAnimations(): readonly unknown[];
  execCommand(command: string, interface_: boolean, text: string): void;
}

export function nicks(rows: readonly ElementLike[]): string[] {
  return rows.map((row) => row.getAttribute('data-nick') ?? '').toSorted((a, b) => (a < b ? -1 : 1));
}

export function scrollTo(list: ElementLike, to: number): void {
  list.scrollTop = to;
}

export function scrolled(list: ElementLike): number {
  return list.scrollTop;
}

export function paste(text: string): void {
  (globalThis as unknown as { document: DocumentLike }).document.execCommand('insertText', false, text);
}

export function focusedHook(): string | null {
  return (globalThis as unknown as { document: DocumentLike }).document.activeElement?.getAttribute('data-testid') ?? null;
}

export function focusedName(): string | null {
  return (globalThis as unknown as { document: DocumentLike }).document.activeElement?.getAttribute('aria-label') ?? null;
}

/** The browser's own controls are not outside: there the body has the focus. */
export function outsideOfDialog(): boolean {
  const { activeElement, body } = (globalThis as unknown as { document: DocumentLike }).document;
  return activeElement !== null && activeElement !== body && activeElement.closest('dialog') === null;
}

export function overflows(): boolean {
  const { documentElement } = (globalThis as unknown as { document: DocumentLike }).document;
  return documentElement.scrollWidth > documentElement.clientWidth;
}

export function animations(): number {
  return (globalThis as unknown as { document: DocumentLike }).document.getAnimations().length;
}

export function countElements(): number {
  return (globalThis as unknown as { document: DocumentLike }).document.querySelectorAll('*').length;
}

/** The browser shows no notifications without a desktop: they are written down instead. */
export function recordNotifications(): void {
  const shown: string[] = [];
  class Recorder {
    static readonly permission = 'granted';
    static requestPermission(): Promise<string> {
      return Promise.resolve('granted');
    }
    readonly addEventListener = (): void => undefined;
    constructor(title: string, options: { readonly body: string }) {
      shown.push(`${title}: ${options.body}`);
    }
  }
  Object.assign(globalThis, { shown, Notification: Recorder });
}
