"""The demo company: people, six months of history and a queue that is alive whenever one looks."""
