import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

/** What nearly every page needs, in two files: many small ones wait for one another. */
function shared(id: string): string | undefined {
  if (/node_modules\/(react|react-dom|scheduler|react-router|react-redux|redux|@reduxjs)\//.test(id)) return 'base';
  if (/node_modules\/(lucide-react|@tanstack|date-fns)\//.test(id)) return 'kit';
  return /src\/shared\/(ui|lib|api|live)\//.test(id) && !/(Absent|AlertNote|alerts|AskDialog|ChartMarks|Charts|Drill|EventEntry|Facts|FollowedOperation|FormChanges|FormDialog|lastDay|Listing|Markers|OperationCard|Paged|PagedTable|PeriodBar|ReceiptWords|rows|Scrollable|Seasons|SideBySide|ToastChoice|Unsaved|passkeys|period|zod)\.tsx?$/.test(id) ? 'kit' : undefined;
}

export default defineConfig({
  base: '/app/',
  plugins: [react()],
  build: {
    target: 'es2022',
    manifest: 'manifest.json',
    // The content security policy allows files of our own and nothing inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
    reportCompressedSize: false,
    rollupOptions: { output: { manualChunks: shared } },
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8080', '/openapi': 'http://127.0.0.1:8080', '/ws': { target: 'ws://127.0.0.1:8080', ws: true } } },
  test: { environment: 'node', include: ['src/**/*.test.ts', 'src/**/*.test.tsx'] },
});
