import { once } from 'node:events';
import { WebSocket } from 'ws';

/** Where a process that was sent SIGUSR1 says that it can be inspected. */
export function inspectorOf(output: string): string | undefined {
  return /Debugger listening on (ws:\/\/\S+)/.exec(output)?.[1];
}

/** Forces the collection of all garbage in a process, by the inspector protocol, and answers with the bytes of its heap that are used then. */
export async function collectedHeap(inspector: string): Promise<number> {
  const socket = new WebSocket(inspector);
  await once(socket, 'open');
  const answers = new Map<number, (result: { readonly usedSize?: number }) => void>();
  socket.on('message', (data: Buffer) => {
    const { id, result } = JSON.parse(data.toString('utf8')) as { id?: number; result?: { usedSize?: number } };
    if (id !== undefined) answers.get(id)?.(result ?? {});
  });
  const ask = (id: number, method: string): Promise<{ readonly usedSize?: number }> =>
    new Promise((resolve) => {
      answers.set(id, resolve);
      socket.send(JSON.stringify({ id, method }));
    });
  try {
    // What the first collection lets finalizers release, the second takes.
    await ask(1, 'HeapProfiler.collectGarbage');
    await ask(2, 'HeapProfiler.collectGarbage');
    const { usedSize } = await ask(3, 'Runtime.getHeapUsage');
    if (usedSize === undefined) throw new Error('the process does not tell the size of its heap');
    return usedSize;
  } finally {
    socket.close();
    await once(socket, 'close');
  }
}
