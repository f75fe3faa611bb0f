/** Who one was the last time: kept by the browser, for this tab or for good. */

export type Identity =
  | { readonly kind: 'guest'; readonly nick: string; readonly token: string }
  | { readonly kind: 'account'; readonly name: string; readonly token: string };

const identityKey = 'banyan.identity';
const roomsKey = 'banyan.rooms';
const talksKey = 'banyan.talks';
const mostTalks = 300;

/** Storage may be forbidden; then nothing is kept, and the page works all the same. */
function stores(): Storage[] {
  try {
    return [sessionStorage, localStorage];
  } catch {
    return [];
  }
}

function read(key: string): unknown {
  for (const store of stores()) {
    const text = store.getItem(key);
    if (text === null) continue;
    try {
      return JSON.parse(text);
    } catch {
      store.removeItem(key);
    }
  }
  return undefined;
}

export function loadIdentity(): Identity | undefined {
  const kept = read(identityKey) as Partial<Identity> | undefined;
  return kept?.kind !== undefined && typeof kept.token === 'string' ? (kept as Identity) : undefined;
}

/** `stay`: over the end of the browser; else while the tab lives. */
export function saveIdentity(identity: Identity, stay: boolean): void {
  const [tab, browser] = stores();
  const store = stay ? browser : tab;
  store?.setItem(identityKey, JSON.stringify(identity));
}

/** Changes what is kept where it is kept. */
export function updateIdentity(identity: Identity): void {
  for (const store of stores()) if (store.getItem(identityKey) !== null) return store.setItem(identityKey, JSON.stringify(identity));
}

export function forgetIdentity(): void {
  for (const store of stores()) {
    store.removeItem(identityKey);
    store.removeItem(roomsKey);
    store.removeItem(talksKey);
  }
}

export function loadRooms(): string[] | undefined {
  const kept = read(roomsKey);
  return Array.isArray(kept) ? kept.filter((name) => typeof name === 'string') : undefined;
}

export function saveRooms(names: readonly string[]): void {
  for (const store of stores()) if (store.getItem(identityKey) !== null) return store.setItem(roomsKey, JSON.stringify(names));
}

/** What one likes, kept for good. */
export function loadChoice(key: string): string | undefined {
  return stores()[1]?.getItem(`banyan.${key}`) ?? undefined;
}

export function saveChoice(key: string, value: string): void {
  stores()[1]?.setItem(`banyan.${key}`, value);
}

/** Up to when a private conversation was read, milliseconds since 1970. */
export function loadTalkRead(address: string): number {
  const found = talkTimes().find(([known]) => known === address);
  return found?.[1] ?? 0;
}

export function saveTalkRead(address: string, at: number): void {
  const times = [...talkTimes().filter(([known]) => known !== address), [address, at] as const].slice(-mostTalks);
  for (const store of stores()) if (store.getItem(identityKey) !== null) return store.setItem(talksKey, JSON.stringify(times));
}

function talkTimes(): (readonly [address: string, at: number])[] {
  const kept = read(talksKey);
  return Array.isArray(kept) ? kept.filter((pair): pair is [string, number] => Array.isArray(pair) && typeof pair[1] === 'number') : [];
}
