import { defineConfig } from '@playwright/test'

/** Where screenshots and traces go; nothing is written into the source tree unless this is not set. */
const results = process.env['HCNDC_UI_RESULTS'] ?? '../../target/ui-results'

export default defineConfig({
  testDir: 'tests',
  outputDir: `${results}/traces`,
  // Each has a server of its own, see fixture.ts; browser and server together keep a core busy.
  workers: 2,
  timeout: 60_000,
  retries: 1,
  failOnFlakyTests: true,
  expect: { timeout: 15_000 },
  reporter: [['list'], ['html', { outputFolder: `${results}/report`, open: 'never' }]],
  use: {
    viewport: { width: 1280, height: 860 },
    // Not of each story, for it takes long: one that fails is played again for its trace, and has failed all the same.
    trace: 'on-first-retry',
    launchOptions: { executablePath: process.env['HCNDC_CHROMIUM'] ?? '/usr/bin/chromium', args: ['--no-sandbox'] },
  },
})
