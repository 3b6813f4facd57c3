import { config } from 'zod';

// It would try to make code out of strings, which the content security policy forbids and reports.
config({ jitless: true });

export { z } from 'zod';
