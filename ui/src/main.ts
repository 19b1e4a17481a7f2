import { mount } from 'svelte';

import App from './App.svelte';
import { connect } from './lib/backend';

const target = document.getElementById('app');
if (!target) throw new Error('index.html has no #app');

void connect().then((backend) => mount(App, { target, props: { backend } }));
