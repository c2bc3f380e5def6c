package main

// unshown lists the exported types that no example shows, each as
// <folder>.<type> with the reason. Keep it short: a type that nobody can be
// shown how to use is seldom one that users need.
var unshown = map[string]string{}
