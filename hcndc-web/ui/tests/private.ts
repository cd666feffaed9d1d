/** A server where people sign in, in a folder of its own. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'

const program = process.env['HCNDC_BIN'] ?? path.resolve('../../target/debug/hcndc')

export interface Private {
  address: string
  /** Of `admin`, for one use. */
  password: string
  stop: () => Promise<void>
}

export async function servePeople(settings: Record<string, string> = {}): Promise<Private> {
  const folder = mkdtempSync(path.join(tmpdir(), 'hcndc-people-'))
  const child = spawn(program, ['serve', '--data-dir', folder, '--listen', '127.0.0.1:0', '--no-executor'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, HCNDC_LANG: 'en', HCNDC_ACCESS: 'users', ...settings },
  })
  let password = ''
  const address = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${program} ended with ${code} before it served`)))
    createInterface({ input: child.stderr! }).on('line', (line) => {
      password ||= /^ +((?:[a-z0-9]+-)+[a-z0-9]+)$/.exec(line)?.[1] ?? ''
    })
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const found = /http:\/\/[\d.:]+/.exec(line)
      if (found) resolve(found[0])
    })
  })
  const stop = async () => {
    child.kill('SIGTERM')
    await new Promise<void>((resolve) => (child.exitCode === null ? child.once('exit', () => resolve()) : resolve()))
    rmSync(folder, { recursive: true, force: true })
  }
  return { address, password, stop }
}
