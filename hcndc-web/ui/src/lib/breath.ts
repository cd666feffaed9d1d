/** Long work in slices, so that the page draws and answers meanwhile. */

/** How long one slice may take, in milliseconds: two fit into a frame. */
export const SLICE = 8

/** Lets the browser draw, and do whatever else waits. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })
}

/** Whether a slice that begins now may go on. */
export function slice(ms = SLICE): () => boolean {
  const end = performance.now() + ms
  return () => performance.now() < end
}
