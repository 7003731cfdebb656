"""The kernel's configuration protocol, spoken directly: links and addresses, packet filters, sockets."""
