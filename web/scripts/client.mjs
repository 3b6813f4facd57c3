// Writes the RTK Query client from the description of the API (openapi.json, which the program itself prints).
import { generateEndpoints } from '@rtk-query/codegen-openapi';
import { fileURLToPath } from 'node:url';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));

// The generator takes the base's path as relative to where it runs.
process.chdir(path('..'));
await generateEndpoints({
  schemaFile: path('../openapi.json'),
  apiFile: './src/shared/api/baseApi.ts',
  apiImport: 'baseApi',
  outputFile: path('../src/shared/api/client.generated.ts'),
  exportName: 'client',
  hooks: { queries: true, lazyQueries: true, mutations: true },
  tag: false,
});
