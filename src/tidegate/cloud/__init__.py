"""Calling a cloud, local or real: credentials, signing, paging, retries."""
