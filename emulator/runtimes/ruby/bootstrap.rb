# frozen_string_literal: true

# Lambda's Ruby runtime: a small client of the Runtime API around the user's handler.
# Rules: spec/execution-environment.md section 4, spec/invoke.md section 5.3.

require 'json'
require 'socket'
require 'stringio'

module LambdaEmulator
  ROOT = '/2018-06-01/runtime/'
  LONGEST_TRACE = 100
  OWN = "#{__dir__}/"

  # One keep-alive connection to the Runtime API.
  class RuntimeApi
    def initialize(address)
      host, _, port = address.rpartition(':')
      @host = address
      @socket = TCPSocket.new(host, port.to_i)
      @socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1)
    end

    # Ask for an event; the first time that ends the init phase. Returns its headers and body.
    def next_event
      @socket.write(head('GET', 'invocation/next'))
      read
    end

    # Post what came of an invocation.
    def answer(request_id, kind, body, headers)
      post("invocation/#{request_id}/#{kind}", body, headers)
    end

    def init_error(body, headers)
      post('init/error', body, headers)
    end

    private

    def post(path, body, headers)
      bytes = body.b
      @socket.write(head('POST', path, { 'Content-Length' => bytes.bytesize, **headers }) + bytes)
      read
    end

    def head(method, path, headers = {})
      lines = headers.map { |name, value| "#{name}: #{value}\r\n" }.join
      "#{method} #{ROOT}#{path} HTTP/1.1\r\nHost: #{@host}\r\n#{lines}\r\n".b
    end

    def read
      line # the status: a refused answer was the server's to report
      headers = {}
      until (text = line).empty?
        name, value = text.split(':', 2)
        headers[name.downcase] = value.strip
      end
      body = @socket.read(headers.fetch('content-length', '0').to_i)
      [headers, body.force_encoding('UTF-8')]
    end

    def line
      text = @socket.gets("\r\n")
      exit!(0) if text.nil? # the emulator has closed the connection
      text.chomp("\r\n").force_encoding('UTF-8')
    end
  end

  # The context object that a handler gets.
  class Context
    attr_reader :aws_request_id, :invoked_function_arn, :log_group_name, :log_stream_name,
                :function_name, :memory_limit_in_mb, :function_version, :identity,
                :client_context, :deadline_ms, :tenant_id

    def initialize(headers)
      @aws_request_id = headers['lambda-runtime-aws-request-id']
      @invoked_function_arn = headers['lambda-runtime-invoked-function-arn']
      @deadline_ms = headers['lambda-runtime-deadline-ms'].to_i
      @tenant_id = headers['lambda-runtime-aws-tenant-id']
      @log_group_name = ENV['AWS_LAMBDA_LOG_GROUP_NAME']
      @log_stream_name = ENV['AWS_LAMBDA_LOG_STREAM_NAME']
      @function_name = ENV['AWS_LAMBDA_FUNCTION_NAME']
      @function_version = ENV['AWS_LAMBDA_FUNCTION_VERSION']
      @memory_limit_in_mb = ENV['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']
      @identity = parse(headers['lambda-runtime-cognito-identity'])
      @client_context = parse(headers['lambda-runtime-client-context'])
    end

    # Milliseconds until this invocation is stopped; 0 afterwards.
    def get_remaining_time_in_millis
      [@deadline_ms - Process.clock_gettime(Process::CLOCK_REALTIME, :millisecond), 0].max
    end

    private

    def parse(text)
      JSON.parse(text) if text
    end
  end

  # The method that a Handler setting names: FILE.METHOD or FILE.CLASS.METHOD.
  class Handler
    def initialize(setting)
      @file, *names = setting.split('.')
      unless [1, 2].include?(names.size)
        raise ArgumentError, "Invalid handler #{setting.split('.')}, must be of form FILENAME.METHOD " \
                             'or FILENAME.CLASS.METHOD where FILENAME corresponds with an existing Ruby source file ' \
                             'FILENAME.rb, CLASS is an optional module/class namespace and METHOD is a callable ' \
                             'method. If using CLASS, METHOD must be a class-level method.'
      end
      @method = names.pop
      @class = names.pop
    end

    def load
      require @file
    end

    # Returns the body of the answer and its content type.
    def call(event, context)
      target = @class ? Kernel.const_get(@class) : TOPLEVEL_BINDING.receiver
      result = target.send(@method, event: event, context: context)
      return [result.read, 'application/unknown'] if result.is_a?(StringIO) || result.is_a?(IO)

      [result.to_json, 'application/json']
    end
  end

  module_function

  # Run the init phase, then serve invocations until the emulator ends the process.
  def main
    $stdout.sync = true
    api = RuntimeApi.new(ENV['AWS_LAMBDA_RUNTIME_API'])
    begin
      $LOAD_PATH.unshift(ENV['LAMBDA_TASK_ROOT'])
      handler = Handler.new(ENV['_HANDLER'])
      handler.load
    rescue SystemExit
      raise
    rescue Exception => e # rubocop:disable Lint/RescueException
      fail_with(e, 'Init', "Init error when loading handler #{ENV['_HANDLER']}") do |body, headers|
        api.init_error(body, headers)
      end
      exit!(252)
    end
    loop { serve(api, handler) }
  end

  def serve(api, handler)
    headers, body = api.next_event
    request_id = headers['lambda-runtime-aws-request-id']
    ENV['_X_AMZN_TRACE_ID'] = headers['lambda-runtime-trace-id']
    begin
      result, type = handler.call(JSON.parse(body), Context.new(headers))
    rescue Exception => e # rubocop:disable Lint/RescueException
      # A name that is missing, and what is no StandardError, end the process afterwards.
      is_critical = e.is_a?(NameError) || !e.is_a?(StandardError)
      fail_with(e, 'Function', is_critical ? 'Critical exception from handler' : 'Error raised from handler method') do |*answer|
        api.answer(request_id, 'error', *answer)
      end
      exit!(255) if is_critical
      return
    end
    api.answer(request_id, 'response', result, { 'Content-Type' => type })
  end

  # Log an error and hand the body and headers by which the Runtime API learns of it to the block.
  def fail_with(error, phase, headline)
    type = "#{phase}<#{error.class}>"
    document = { errorMessage: error.message, errorType: type, stackTrace: trace(error) }
    $stdout.write("#{headline}\r#{JSON.pretty_generate(document).gsub("\n", "\r")}\n")
    header = type.gsub(/[^\x20-\x7e]/, '?')
    yield document.to_json, { 'Lambda-Runtime-Function-Error-Type' => header, 'Content-Type' => 'application/json' }
  end

  def trace(error)
    (error.backtrace || []).take_while { |frame| !frame.start_with?(OWN) }.first(LONGEST_TRACE)
  end
end

LambdaEmulator.main
