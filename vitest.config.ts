import { defineConfig } from 'vitest/config';

// `npm run check` runs layers, unit and golden; `npm test` runs all. System tests start servers from dist/ and bin/.
// biome-ignore lint/style/noDefaultExport: vitest asks for it
export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: '100%',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: 'layers', include: ['test/layers.test.ts'] } },
      { extends: true, test: { name: 'unit', include: ['src/**/*.test.ts'] } },
      { extends: true, test: { name: 'golden', include: ['test/golden/**/*.test.ts'] } },
      {
        extends: true,
        test: { name: 'system', include: ['test/**/*.test.ts'], exclude: ['test/golden/**', 'test/layers.test.ts'] },
      },
    ],
  },
});
