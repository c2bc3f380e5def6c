// Package msgpackcodec is not written yet.
package msgpackcodec
