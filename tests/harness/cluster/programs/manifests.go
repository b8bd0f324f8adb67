//go:build manifests

// Package programs requires modules of which only manifests are used, so that go.mod pins them.
package programs

import _ "github.com/prometheus-operator/prometheus-operator/pkg/versionutil"
