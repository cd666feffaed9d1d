/** The real server, on SQLite in a folder of its own, with an executor on this host. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'

const program = process.env['HCNDC_BIN'] ?? path.resolve('../../target/debug/hcndc')

export async function serve(): Promise<{ address: string; stop: () => Promise<void> }> {
  // One that is there already, for those who work on the tests.
  const there = process.env['HCNDC_TEST_SERVER']
  if (there) {
    await define(there)
    return { address: there, stop: async () => {} }
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'hcndc-ui-'))
  const server = spawn(program, ['serve', '--data-dir', folder, '--listen', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, HCNDC_LANG: 'en', HCNDC_ACCESS: 'open' },
  })
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()))
  const address = await new Promise<string>((resolve, reject) => {
    server.once('exit', (code) => reject(new Error(`${program} ended with ${code} before it served`)))
    createInterface({ input: server.stdout }).on('line', (line) => {
      const found = /http:\/\/[\d.:]+/.exec(line)
      if (found) resolve(found[0])
    })
  })
  await define(address)
  const stop = async () => {
    server.kill('SIGTERM')
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
  return { address, stop }
}

async function send(address: string, method: string, path: string, body: unknown): Promise<{ id: number }> {
  const response = await fetch(`${address}/api/v1/${path}`, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as { id: number }
}

/** A small mesh, one run of it that succeeded and one that failed. */
async function define(address: string): Promise<void> {
  const known = (await (await fetch(`${address}/api/v1/flows`)).json()) as { items: unknown[] }
  if (known.items.length) return
  const post = (path: string, body: unknown) => send(address, 'POST', path, body)
  await post('flows', { name: 'extract', directory: '/retail', description: 'Takes the files of the day' })
  await post('flows', { name: 'load', directory: '/retail', parents: ['extract'] })
  await post('jobs', { flow: 'extract', name: 'orders', command: 'echo 42 orders' })
  await post('jobs', { flow: 'extract', name: 'customers', command: 'echo 7 customers' })
  await post('jobs', { flow: 'load', name: 'facts', command: 'echo no such table >&2; exit 3', depends_on: ['extract/orders', 'extract/customers'] })
  await post('jobs', { flow: 'load', name: 'report', command: 'echo written', depends_on: ['facts'] })
  await post('backfills', { flow: 'extract', from: '2026-11-01', to: '2026-11-03', parallel: 3 })
  const good = await post('executions', { flow: 'extract', data_date: '2026-11-20' })
  const bad = await post('executions', { flow: 'extract', with_downstream: true, data_date: '2026-11-21' })
  for (const { id } of [good, bad]) {
    for (;;) {
      const { state } = (await (await fetch(`${address}/api/v1/executions/${id}`)).json()) as { state: string }
      if (!['running', 'stopping', 'paused'].includes(state)) break
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}
